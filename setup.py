"""Metadata and dependencies of dynamo_objects; tool settings are in pyproject.toml."""

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, find_packages, setup

# Does in C what Python does as well: without a compiler it is left out, and without the lock that it relies on.
has_speedups = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
folder = "dynamo_objects/codec/csrc"
speedups = Extension(
    "dynamo_objects.codec._speedups",
    [f"{folder}/{name}.c" for name in ("module", "records", "items", "keys", "sizes")],
    depends=[f"{folder}/speedups.h"],
    optional=True,
)

setup(
    name="dynamo_objects",
    version="2.0.0",
    description="Strict record objects, self-creating tables and a write-back cache for Amazon DynamoDB",
    long_description=Path(__file__).with_name("README.rst").read_text(encoding="utf-8")
    if Path(__file__).with_name("README.rst").exists()
    else "",
    long_description_content_type="text/x-rst",
    license="MIT",
    license_files=["LICENSE"],
    packages=find_packages(include=["dynamo_objects", "dynamo_objects.*"]),
    package_data={"dynamo_objects": ["py.typed", "codec/_speedups.pyi"]},
    ext_modules=[speedups] if has_speedups else [],
    python_requires=">=3.11",
    install_requires=[
        "attrs>=24.2",
        "boto3>=1.35",
        "cachetools>=5.3",
        "msgspec>=0.19",
    ],
    entry_points={"console_scripts": ["dynamo-objects = dynamo_objects.cli:main"]},
    extras_require={
        "fast": ["isal>=1.7", "pycurl>=7.45.3"],
        "sql": ["SQLAlchemy>=2.0"],
        "postgres": ["SQLAlchemy>=2.0", "psycopg[binary]>=3.1"],
        "demo": ["SQLAlchemy>=2.0", "airportsdata", "tqdm"],
        "test": [
            "SQLAlchemy>=2.0",
            "psycopg[binary]>=3.1",
            "airportsdata",
            "boto3-stubs",
            "coverage",
            "docutils",
            "hypothesis",
            "isal>=1.7; platform_python_implementation == 'CPython'",
            "moto[dynamodb]>=5.1",
            "mypy==2.4.1",
            "pycurl>=7.45.3; platform_python_implementation == 'CPython'",
            "pyright[nodejs]==1.1.414",
            "pytest",
            "pytest-xdist",
            "ruff==0.17.5",
            "tqdm",
            "types-cachetools",
        ],
    },
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Database",
        "Typing :: Typed",
    ],
)
