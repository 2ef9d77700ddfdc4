#!/bin/sh
# Runs a test command twice, as a CI server does: on the mock in memory, then on DynamoDB Local.
#
#     tools/two-passes.sh python3 -m pytest tests/seeds/test_recipe.py
#
# DYNAMODB_PORT says where DynamoDB Local is started (8000). Ends with 0 when both passes have passed.
if [ $# -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT ...]" >&2
    exit 2
fi
tools=$(dirname "$0")
export DYNAMODB_HOST=127.0.0.1 DYNAMODB_PORT="${DYNAMODB_PORT:-8000}"

# Run fast tests with the mock in memory.
DYNAMODB_MOCK=1 "$@"
RESULT_MOCK=$?

# Run slow tests with DynamoDB Local.
python3 "$tools/dynamodb_local.py" --port "$DYNAMODB_PORT" >&2 &
PID=$!
trap 'kill $PID 2>/dev/null' EXIT
trap 'exit 1' INT TERM
until python3 -c "import socket; socket.create_connection(('127.0.0.1', $DYNAMODB_PORT), 5).close()" 2>/dev/null; do
    kill -0 $PID 2>/dev/null || { echo "DynamoDB Local did not start" >&2; exit 1; }
    sleep 0.2
done
echo "Started DynamoDB Local: $PID" >&2
DYNAMODB_MOCK= "$@"
RESULT_LOCALDB=$?

[ $RESULT_MOCK -eq 0 ] && [ $RESULT_LOCALDB -eq 0 ]
