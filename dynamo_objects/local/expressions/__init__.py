"""Expressions of requests: texts with placeholders in; trees, changed items and projections out.

``placeholders`` holds ExpressionAttributeNames and ExpressionAttributeValues. ``tokens``,
``machine`` and ``grammar`` read a text once into a template, which is remembered; ``parsing``
puts names and values into it, with the checks of ``checks``, and makes the trees of
``...expressions.tree``. ``testing`` tests items, ``keyconditions`` finds the range of a query,
``updating`` changes items, ``projecting`` takes parts of them.

No step recurses into a text, so that no text can be nested too deeply for Python.
Wording and order of errors are those of DynamoDB Local (January 2020), found by experiment, and
of the test suite of dynalite (github.com/architect/dynalite, test/), which was run on AWS; where
they differ, dynalite's.
"""

from __future__ import annotations
