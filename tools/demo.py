"""The main job of dynamo_objects on real data: ``python3 tools/demo.py``.

Loads the 28,000 airports of the PyPI package airportsdata into DynamoDB, computes statistics of each country through a
MemoryTable, writes them, reads and queries them, and counts every request beside those of a naive loop.
It runs on the embedded engine, in memory or at ``--url``, or on the engine at ``--endpoint-url``.

It needs Python 3.11 or later and nothing else: it makes its own virtual environment.
The exit code is 1 when one of its claims turns out wrong.
"""

import environment

if __name__ == "__main__":
    environment.enter("demo")

import argparse
import math
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import airportsdata
import attrs
from ledger import Ledger, Row
from tqdm import tqdm

from dynamo_objects import (
    DynamoDatabase,
    DynamoException,
    DynamoRecord,
    DynamoTable,
    GlobalIndex,
    HashKey,
    MemoryTable,
    RangeKey,
    UnknownFieldError,
)

#: The names of the demo's tables begin with this. It deletes whatever does, before and afterwards.
TABLE_PREFIX = "dynamo_objects_demo_"

#: How many keys DynamoDB reads, and how many items it writes, with one request.
READS_TOGETHER = 100
WRITES_TOGETHER = 25


# --- records and tables -------------------------------------------------------------------------------


class Airport(DynamoRecord):
    """An airport."""

    code: str = ""
    name: str = ""
    country: str = ""
    elevation_ft: int = 0
    latitude: float = 0.0


class AirportTable(DynamoTable[Airport]):
    """The airports by their codes, and those of a country by elevation."""

    table_name = "airport"
    schema = [HashKey("code")]
    global_indexes = [GlobalIndex("ByElevation", [HashKey("country"), RangeKey("elevation_ft")])]


@attrs.frozen(order=True)
class Extreme:
    """An airport that is the highest, lowest ... of its country; among equals, the code decides."""

    value: float
    code: str


class Country(DynamoRecord):
    """Statistics of the airports of one country."""

    country: str = ""
    airports: int = 0
    elevation_sum_ft: int = 0
    mean_elevation_ft: int = 0
    highest: Extreme | None = None
    lowest: Extreme | None = None
    northernmost: Extreme | None = None
    southernmost: Extreme | None = None

    def clear(self) -> None:
        """Begin anew."""
        self.update_data(**Country().get_dict(exclude=["country"]))

    def add(self, airport: Airport) -> None:
        """Count one more airport."""
        elevation = Extreme(airport.elevation_ft, airport.code)
        latitude = Extreme(airport.latitude, airport.code)
        self.airports += 1
        self.elevation_sum_ft += airport.elevation_ft
        self.mean_elevation_ft = round(self.elevation_sum_ft / self.airports)
        self.highest = max(self.highest or elevation, elevation)
        self.lowest = min(self.lowest or elevation, elevation)
        self.northernmost = max(self.northernmost or latitude, latitude)
        self.southernmost = min(self.southernmost or latitude, latitude)


class CountryTable(DynamoTable[Country]):
    """The statistics of each country."""

    table_name = "country"
    schema = [HashKey("country")]


# --- the job ------------------------------------------------------------------------------------------


def read_airports(limit: int | None) -> list[Airport]:
    """Return the airports of the world, or *limit* of them from all over it."""
    found = list(airportsdata.load().values())
    if limit is not None:
        found = found[:: max(1, len(found) // limit)][:limit]
    return [
        Airport(
            code=row["icao"],
            name=row["name"],
            country=row["country"],
            elevation_ft=round(row["elevation"]),
            latitude=row["lat"],
        )
        for row in found
    ]


def load(airports: list[Airport]) -> None:
    """Write the airports by batch writes, several at a time."""
    table = MemoryTable(AirportTable())
    for airport in airports:
        table.save(airport)
    with tqdm(total=len(airports), desc="   loading", unit=" airports", disable=None) as bar:
        table.save_data_batch(progress=bar)


def compute(table: MemoryTable[Country], airports: Iterable[Airport], countries: Iterable[str]) -> None:
    """Compute the statistics: each country is read once at most, and nothing is written."""
    for country in countries:
        table.get(country, create=True).clear()
    for airport in airports:
        table.get(airport.country).add(airport)


def compute_plainly(airports: list[Airport]) -> dict[str, dict[str, Any]]:
    """Return the same statistics, computed without tables."""
    groups: dict[str, list[Airport]] = {}
    for airport in airports:
        groups.setdefault(airport.country, []).append(airport)
    return {country: _statistics(country, group) for country, group in groups.items()}


def _statistics(country: str, airports: list[Airport]) -> dict[str, Any]:
    elevations = [Extreme(airport.elevation_ft, airport.code) for airport in airports]
    latitudes = [Extreme(airport.latitude, airport.code) for airport in airports]
    total = sum(airport.elevation_ft for airport in airports)
    return {
        "country": country,
        "airports": len(airports),
        "elevation_sum_ft": total,
        "mean_elevation_ft": round(total / len(airports)),
        "highest": max(elevations),
        "lowest": min(elevations),
        "northernmost": max(latitudes),
        "southernmost": min(latitudes),
    }


# --- its steps ----------------------------------------------------------------------------------------


def run(ledger: Ledger, airports: list[Airport]) -> None:
    """Take all steps, one after another."""
    with ledger.step("create two tables, one with an index"):
        AirportTable()
        CountryTable()
    stored = store_airports(ledger, airports)
    expected = compute_plainly(airports)
    compute_with_prefetch(ledger, stored, list(expected))
    compute_again(ledger, stored, list(expected))
    read_back(ledger, expected)
    query_index(ledger, airports)
    read_null_object(ledger)
    mistype(ledger)


def store_airports(ledger: Ledger, airports: list[Airport]) -> list[Airport]:
    """Load the airports into their table, and return what a scan finds there."""
    most = math.ceil(len(airports) / WRITES_TOGETHER)
    with ledger.step("load airports by batch writes", len(airports), naive=len(airports)) as row:
        load(airports)
    ledger.check(f"at most {most:,} writes for {len(airports):,} airports", row.requests <= most)

    with ledger.step("scan all airports", len(airports)):
        stored = list(AirportTable().scan(consistent=True))
    as_it_was = {airport.code: airport for airport in airports}
    ledger.check(
        "every airport came back as it was", as_it_was == {airport.code: airport for airport in stored}
    )
    return stored


def compute_with_prefetch(ledger: Ledger, airports: list[Airport], countries: list[str]) -> None:
    """Compute the statistics as a script would: read all countries, update them, write them."""
    table = MemoryTable(CountryTable())
    most = math.ceil(len(countries) / READS_TOGETHER)
    with ledger.step("compute statistics, with prefetch", len(airports), naive=len(airports)) as row:
        table.prefetch(countries)
        compute(table, airports, countries)
    ledger.check(
        f"at most {most} reads for {len(airports):,} updates of {len(countries)} countries",
        row.requests <= most,
    )

    dirty = len(table.dirty_keys())
    most = math.ceil(dirty / WRITES_TOGETHER)
    with ledger.step("write them by batch writes", dirty, naive=len(airports)) as row:
        report = table.save_data_batch()
    ledger.check(f"at most {most} writes for {dirty} changed countries", row.requests <= most)
    ledger.check("every country was written", report.puts == len(countries) and not table.dirty_keys())


def compute_again(ledger: Ledger, airports: list[Airport], countries: list[str]) -> None:
    """Compute the same without prefetch: one read for each country, and nothing differs."""
    table = MemoryTable(CountryTable())
    with ledger.step("compute again, without prefetch", len(airports), naive=len(airports)) as row:
        compute(table, airports, countries)
    ledger.check(f"at most {len(countries)} reads, one for each country", row.requests <= len(countries))

    with ledger.step("write only what has changed: nothing", naive=len(airports)) as row:
        report = table.save_data_batch()
    ledger.check(
        f"no write for {len(countries)} countries that are as they were read",
        row.requests == 0 and report.skipped == len(countries),
    )


def read_back(ledger: Ledger, expected: dict[str, dict[str, Any]]) -> None:
    """Read the statistics by key, and compare them with those computed without tables."""
    with ledger.step("read the statistics by key", len(expected), naive=len(expected)):
        found = CountryTable().get_many(expected, consistent=True)
    for country in sorted(found.values(), key=lambda country: -country.airports)[:3]:
        print(
            f"   {country.country}: {country.airports:,} airports, on average at {country.mean_elevation_ft:,} ft, "
            f"the highest {_code(country.highest)}, the northernmost {_code(country.northernmost)}"
        )
    ledger.check(
        f"they equal those of plain Python, for {len(expected)} countries",
        expected == {code: country.get_dict() for code, country in found.items()},
    )


def _code(extreme: Extreme | None) -> str:
    return extreme.code if extreme else "none"


def query_index(ledger: Ledger, airports: list[Airport]) -> None:
    """Query the index for some airports of a country, in the order of their elevation."""
    table = AirportTable()
    scan_requests = next(row.requests for row in ledger.rows if row.title.startswith("scan"))

    with ledger.step("query the index: Nepal's 5 highest", naive=scan_requests) as row:
        highest = table.query(country__eq="NP", index="ByElevation", reverse=True, limit=5)()
    _show(row, highest)
    expected = sorted((a.elevation_ft for a in airports if a.country == "NP"), reverse=True)[:5]
    ledger.check("these are the 5 highest", expected == [a.elevation_ft for a in highest])

    with ledger.step("query the index: Dutch below the sea", naive=scan_requests) as row:
        below = table.query("NL", index="ByElevation").range(end=-1)()
    _show(row, below)
    expected = sorted(a.elevation_ft for a in airports if a.country == "NL" and a.elevation_ft < 0)
    ledger.check("these are all of them, the lowest first", expected == [a.elevation_ft for a in below])


def _show(row: Row, airports: list[Airport]) -> None:
    row.records = len(airports)
    for airport in airports:
        print(f"   {airport.elevation_ft:>6,} ft  {airport.code}  {airport.name}")


def read_null_object(ledger: Ledger) -> None:
    """Read a country that is not there, as a request handler might."""
    with ledger.step("read a country that is not there", 1):
        country = CountryTable().get("Atlantis", create=True)
    print(f"   {country}")
    ledger.check("the Null object has the defaults", country == Country(country="Atlantis"))


def mistype(ledger: Ledger) -> None:
    """Mistype a field name, which DynamoDB would take for another attribute."""
    messages = []
    with ledger.step("mistype a field, in a record and a scan", naive=2) as row:
        try:
            Airport(code="ENGM").elevaton_ft = 681  # type: ignore[attr-defined]
        except UnknownFieldError as error:
            messages.append(error)
        try:
            AirportTable().scan(elevaton_ft__gte=3000)
        except UnknownFieldError as error:
            messages.append(error)
    for message in messages:
        print(f"   {type(message).__name__}: {message}")
    ledger.check("both were refused before anything was sent", len(messages) == 2 and row.requests == 0)


# --- the command --------------------------------------------------------------------------------------


@contextmanager
def connected(options: argparse.Namespace) -> Iterator[DynamoDatabase]:
    """Connect to the engine that the command line names."""
    arguments: dict[str, Any] = {"table_prefix": TABLE_PREFIX}
    if options.endpoint_url is None:
        arguments |= {"url": options.url}
    else:
        arguments |= {"endpoint_url": options.endpoint_url, "region_name": options.region}
        if urlsplit(options.endpoint_url).hostname in ("localhost", "127.0.0.1", "::1"):
            arguments |= {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}  # nobody checks them
    database = DynamoDatabase()
    try:
        yield database.connect(**arguments)
    finally:
        database.disconnect()


def delete_tables(database: DynamoDatabase) -> None:
    """Delete all tables under the demo's own prefix."""
    for name in database.get_tables():
        database.delete_table(name)


def parse_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument(
        "--url",
        default="memory://",
        help="of the embedded engine, for example sqlite:///demo.db (default: %(default)s)",
    )
    engine.add_argument("--endpoint-url", help="another engine that speaks DynamoDB's protocol")
    parser.add_argument(
        "--region",
        default=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        help="with --endpoint-url (default: %(default)s)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="load only N airports")
    parser.add_argument("--keep", action="store_true", help="leave the tables there at the end")
    options = parser.parse_args()
    if options.limit is not None and options.limit < 1:
        parser.error("--limit is a whole number from 1")
    return options


def main() -> int:
    """Run the demo as the command line asks.

    Returns:
        The exit code.
    """
    options = parse_arguments()
    airports = read_airports(options.limit)
    kind = options.url.partition(":")[0]  # what follows may have a password in it
    print(f"{len(airports):,} airports on {options.endpoint_url or f'the embedded engine ({kind})'}")
    with connected(options) as database:
        ledger = Ledger(database)
        delete_tables(database)
        try:
            run(ledger, airports)
        finally:
            if not options.keep:
                delete_tables(database)
    ledger.show()
    print(
        "\nA naive loop sends one request for each record it reads or writes, and scans instead of querying."
    )
    return 1 if ledger.wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DynamoException as error:
        sys.exit(f"The demo stopped: {error}")
