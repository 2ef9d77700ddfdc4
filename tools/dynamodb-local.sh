#!/bin/sh
# Runs DynamoDB Local in this terminal, downloading it if necessary; Ctrl-C stops it.
# Options as of dynamodb_local.py: --port 8000, --fetch.
exec python3 "$(dirname "$0")/dynamodb_local.py" "$@"
