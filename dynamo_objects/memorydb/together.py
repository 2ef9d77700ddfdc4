"""Several MemoryTables flushed as one."""

from __future__ import annotations

from ..database.progress import Progress
from ..errors import DynamoException
from ..flows.deciding import OnConflict
from .flushing import Manner, flush_tables
from .plan import FlushReport
from .writing import Writing

__all__ = ["save_all"]


def save_all(
    *tables: Writing,
    ignore_errors: bool = False,
    overwrite: bool = False,
    one_by_one: bool = False,
    atomic: bool = False,
    on_conflict: OnConflict | None = None,
    progress: Progress | None = None,
    times: dict[str, float] | None = None,
) -> FlushReport:
    """Write the dirty records of several MemoryTables of one database with one flush.

    Batch writes are filled with records of all tables. ::

        save_all(stores, visits)
        save_all(stores, visits, atomic=True)

    Args:
        tables: MemoryTables, each over another table.
        ignore_errors: Return the report even if some were not written.
        overwrite: Write whatever is stored.
        one_by_one: Guard every record, as ``save_data`` does; else as ``save_data_batch``.
        atomic: Write all in one transaction, all or none; at most 100 records of 4 MB.
        on_conflict: What to do when somebody else has changed a record, as in ``save_data``;
            None: as each MemoryTable was made.
        progress: Its ``update(n)`` is called as records are written.
        times: Gets the seconds spent, as in ``save_data``.

    Returns:
        The report of the whole; its ``tables`` has that of each table by its name.

    Raises:
        BatchFailed: Some were not written; they stay dirty. ``report`` says which and why.
        DynamoException: Nothing was sent: the tables are of two databases, or one is given
            twice, or a transaction cannot hold so much.
    """
    maps = [table._map for table in tables]
    if not maps:
        return FlushReport()
    if len({id(known.table._connection) for known in maps}) > 1:
        raise DynamoException("save_all: the tables are of different databases, flush them one by one")
    if len({known.name for known in maps}) < len(maps):
        raise DynamoException("save_all: a table is given twice, or two MemoryTables are over one table")
    manner = Manner(
        ignore_errors=ignore_errors,
        overwrite=overwrite,
        one_by_one=one_by_one,
        atomic=atomic,
        on_conflict=on_conflict,
        progress=progress,
        times=times,
    )
    report = flush_tables(maps, manner)[-1]
    if len(maps) == 1:
        report.tables[maps[0].schema.table_name] = report
    return report
