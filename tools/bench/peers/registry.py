"""The clients and workloads of the peer benchmark, by name. Nothing of the clients is imported here."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["CLIENTS", "FAST", "OURS", "PEERS", "PLAIN", "WORKLOADS", "Kind", "Workload"]

FAST, PLAIN, OVER_CURL, OVER_BOTO = "ours-fast", "ours-plain", "ours-curl", "ours-boto3"
#: Ours, the quickest first: ratios are to the first one that there is.
OURS = (FAST, PLAIN, OVER_CURL, OVER_BOTO)

#: What is installed beside the project: the clients as they were when the figures were taken.
PEERS = (
    "aiodynamo[aiohttp]==26.4",
    "boto3==1.44.5",
    "dyntastic==0.18.0",
    "isal==1.9.1",
    "pycurl==7.49.0",
    "pydynox==1.8.0",
    "pynamodb==6.1.0",
    "trustme==1.2.1",
)


@dataclass(frozen=True)
class Kind:
    """A client.

    Attributes:
        label: For tables.
        module: Of this package.
        name: Of the class in it.
        statement: The import that a program begins with.
        packages: What must be installed; the first one's version is shown.
        gives: What its reads return.
    """

    label: str
    module: str
    name: str
    statement: str
    packages: tuple[str, ...]
    gives: str

    def make(self, endpoint: str) -> Any:
        """Import the client, and return it connected."""
        module = importlib.import_module(f"peers.{self.module}")
        return getattr(module, self.name)(endpoint)

    def is_installed(self) -> bool:
        """Tell whether everything that it needs is there."""
        return all(importlib.util.find_spec(package) is not None for package in self.packages)

    def version(self) -> str:
        """Return the version of its package."""
        if not self.packages:
            return ""
        try:
            return version(self.packages[0])
        except PackageNotFoundError:
            return "unknown"


_PACKAGE = "import dynamo_objects"
_UNAIDED = "import peers.unaided"
_AIO = "import aiohttp, aiodynamo.client, aiodynamo.http.aiohttp"
_RECORDS, _DICTS = "records, exact Decimals", "dicts, exact Decimals"

CLIENTS = {
    FAST: Kind("dynamo_objects[fast]", "ours", "OverSockets", _PACKAGE, ("dynamo_objects", "isal"), _RECORDS),
    PLAIN: Kind("dynamo_objects", "unaided", "WithoutExtras", _UNAIDED, ("dynamo_objects",), _RECORDS),
    OVER_CURL: Kind(
        "dynamo_objects over curl", "ours", "OverCurl", _PACKAGE, ("dynamo_objects", "pycurl"), _RECORDS
    ),
    OVER_BOTO: Kind("dynamo_objects over boto3", "ours", "OverBoto", _PACKAGE, ("dynamo_objects",), _RECORDS),
    "boto3-client": Kind(
        "boto3 client", "boto", "BotoClient", "import boto3", ("boto3",), "attribute values"
    ),
    "boto3-table": Kind("boto3 Table", "boto", "BotoTable", "import boto3", ("boto3",), _DICTS),
    "pynamodb": Kind(
        "PynamoDB",
        "pynamo",
        "Pynamo",
        "import pynamodb.models, pynamodb.attributes",
        ("pynamodb",),
        "models, floats",
    ),
    "pydynox-model": Kind(
        "pydynox Model", "rust", "PydynoxModel", "import pydynox", ("pydynox",), "models, exact Decimals"
    ),
    "pydynox-dict": Kind(
        "pydynox dict", "rust", "PydynoxDicts", "import pydynox", ("pydynox",), "dicts, floats"
    ),
    "aiodynamo": Kind("aiodynamo", "aio", "Aiodynamo", _AIO, ("aiodynamo", "aiohttp"), "dicts, floats"),
    "dyntastic": Kind(
        "dyntastic",
        "pydantic_models",
        "DyntasticModel",
        "import dyntastic",
        ("dyntastic",),
        "models, exact Decimals",
    ),
    "floor": Kind("floor: bytes over a socket", "floor", "Floor", "import socket, ssl", (), "bytes"),
}


@dataclass(frozen=True)
class Workload:
    """Something that every client does.

    Attributes:
        title: For tables.
        requests: How many each call sends.
    """

    title: str
    requests: int = 1


WORKLOADS = {
    "get": Workload("get"),
    "put": Workload("put"),
    "update": Workload("update"),
    "query": Workload("query 100"),
    "batch_get": Workload("batch-get 100"),
    "batch_write": Workload("batch-write 25"),
    "scan": Workload("scan 1000"),
    "job": Workload("cached job", 2),
}
