"""The base of tests that use DynamoDB; copy it into your project.

By default tests run on dynamock, which keeps all tables in this process. With the environment
variable DYNAMODB_MOCK set to nothing they run on DynamoDB Local instead, at DYNAMODB_HOST and
DYNAMODB_PORT::

    python3 -m unittest
    DYNAMODB_MOCK= python3 -m unittest
"""

from __future__ import annotations

import os
import unittest

from dynamo_objects import DynamoDatabase

__all__ = ["MOCK", "PREFIX", "BaseTestCase"]

#: Whether tests run in memory.
MOCK = bool(os.environ.get("DYNAMODB_MOCK", "1"))

#: Of all tables of tests; whoever shares an engine needs a prefix of their own.
PREFIX = f"unit_tests_{os.getpid()}_"


class BaseTestCase(unittest.TestCase):
    """Each test begins without any tables."""

    @classmethod
    def setUpClass(cls) -> None:
        """Serve boto3 from memory, or from nothing in particular."""
        super().setUpClass()
        if MOCK:
            # Importing it is enough to start it; so is this, when another test has stopped it.
            from dynamo_objects import dynamock

            dynamock.start()
            cls.addClassCleanup(dynamock.stop)

    def setUp(self) -> None:
        """Connect."""
        super().setUp()
        self.database = DynamoDatabase()
        self.database.connect(region_name="us-east-1" if MOCK else "localhost", table_prefix=PREFIX)
        self.addCleanup(self.database.disconnect)
        self.addCleanup(self.delete_tables)

    def delete_tables(self) -> None:
        """Delete the tables of the test."""
        for name in self.database.get_tables():
            self.database.delete_table(name)
