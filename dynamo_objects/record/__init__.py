"""What a record is: an attrs class with a frozen schema.

``declaration`` turns a class body into an attrs class, ``fields`` declares single fields,
``record`` is the base class with what records can do.
"""

from __future__ import annotations

from .fields import field
from .record import DynamoRecord, SchemalessRecord, codec_of, has_checks

__all__ = ["DynamoRecord", "SchemalessRecord", "codec_of", "field", "has_checks"]
