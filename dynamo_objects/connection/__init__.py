"""The one place with I/O: a connection runs operations and flows over a transport."""

from __future__ import annotations
