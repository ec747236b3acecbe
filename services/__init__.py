"""The services. None knows another; what they share about activities and programmes is in this package itself."""
