"""DynamoDB's operations as frozen values: ``payload()`` makes the bytes, ``parse()`` reads the reply."""

from __future__ import annotations
