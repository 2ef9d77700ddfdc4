"""Conditions and updates as one tree of values, and its readers.

``tree`` is what conditions and updates are, ``render`` makes the text and placeholders
that DynamoDB wants, ``evaluate`` tests an item in memory, ``builders`` makes trees from
keywords and from boto3's condition objects.
"""

from __future__ import annotations
