"""Conditions and updates as one tree of values, and its makers and readers.

``tree`` is what conditions and updates are. ``builders`` makes them from keywords and from
boto3's condition objects, ``updates`` from fields to change; ``targets`` finds the fields.
``render`` makes the text and placeholders that DynamoDB wants, ``evaluate`` tests an item
in memory, ``legal`` knows what DynamoDB refuses.
"""

from __future__ import annotations
