"""The tests of dynamo_objects."""
