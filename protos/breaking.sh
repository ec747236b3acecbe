#!/usr/bin/env bash
# Whether the contract breaks what is on the baseline branch. buf compares
# descriptor sets; the baseline's is compiled from its protos.
set -euo pipefail
descriptors=$1
if ! git rev-parse --verify --quiet "$BASELINE" >/dev/null; then
    echo "No $BASELINE to compare the contract with; comparing with the last commit."
    BASELINE=HEAD
fi
if ! git cat-file -e "$BASELINE:protos/generate.py" 2>/dev/null; then
    echo "$BASELINE has no contract yet."
    exit 0
fi
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$BASELINE" protos | tar -x -C "$before"
"$BIN/python" protos/generate.py --protos "$before/protos" --descriptors "$before/descriptors.binpb"
"$BIN/buf" breaking "$descriptors" --against "$before/descriptors.binpb" --config buf.yaml
