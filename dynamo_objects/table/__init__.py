"""DynamoTable: declares a table once, creates it, and reads and writes its records.

``declared`` is what a table is, ``verbs`` what is done to one record and ``batches`` to
many, without I/O; ``searching`` makes queries, and ``table`` runs it all.
"""

from __future__ import annotations

from .table import DynamoTable

__all__ = ["DynamoTable"]
