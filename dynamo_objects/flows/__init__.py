"""Work of several requests, as generators without any I/O: see ``base`` for what they yield."""

from __future__ import annotations
