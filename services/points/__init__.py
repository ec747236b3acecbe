"""Activities, members, the ledger, tiers, rewards, and the programme's versions."""
