"""What is to become of a write that met somebody else's: decided without any I/O.

==========================  =================  =================  ===========================
what met                    mine               theirs             merge
==========================  =================  =================  ===========================
my change, their change     my fields over     theirs is taken    both, by fields and their
                            theirs                                rules; else a conflict
my new item, their item     the same           theirs is taken    the same, from absent values
my change, their deletion   written anew       their deletion     a conflict
                                               is taken
my deletion, their change   deleted            theirs is taken    a conflict
==========================  =================  =================  ===========================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from ..codec.merging import laid_over, merge
from ..codec.structs import Quiet
from ..codec.typed import plain_item
from ..codec.values import Invalid, Item
from ..errors import ConditionFailed, ConflictError, DynamoSchemaException, QueryError, ValidationError
from ..expressions.evaluate import matches
from ..expressions.tree import AttributeNotExists, Condition, Path
from ..schema import TableSchema
from .planning import Save, plan_put, plan_save
from .removing import Removal, plan_removal
from .saving import at_home

__all__ = ["Case", "OnConflict", "check_on_conflict", "decide", "told"]

#: How conflicts end. A function gets (base, mine, theirs), each a record, or None where there is
#: no item, and returns the record to store; *theirs* to leave it at that; None for a ConflictError.
OnConflict: TypeAlias = Literal["raise", "mine", "theirs", "merge"] | Callable[[Any, Any, Any], Any]

_WAYS = ("raise", "mine", "theirs", "merge")


def check_on_conflict(on_conflict: object, *, overwrite: bool = False) -> None:
    """Raise QueryError for what is no way to end a conflict, or where there can be none."""
    if on_conflict not in _WAYS and not callable(on_conflict):
        raise QueryError(
            f"on_conflict= is one of {', '.join(map(repr, _WAYS))}, or a function of base, mine and theirs"
        )
    if overwrite and on_conflict != "raise":
        raise QueryError("overwrite=True writes whatever is stored: on_conflict= has nothing to decide")


class Case(Quiet, frozen=True, eq=False):
    """A write as it was planned, and what is to happen when it meets another.

    Attributes:
        plan: The write.
        base: The item that the record was loaded as; None for a new record.
        names: Names of the fields that were read; None for all.
        on_conflict: How conflicts end.
        condition: What must hold besides: the caller's.
        is_doubtful: Whether the change may be stored already, by an earlier write of unknown outcome.
    """

    unshown = frozenset({"plan", "base"})

    plan: Save | Removal
    base: Item | None
    on_conflict: OnConflict
    condition: Condition | None = None
    names: tuple[str, ...] | None = None
    is_doubtful: bool = False

    @classmethod
    def of(
        cls,
        plan: Save | Removal,
        on_conflict: OnConflict,
        condition: Condition | None = None,
        *,
        is_doubtful: bool = False,
    ) -> Case:
        """Return the case of a write that was just planned."""
        if isinstance(plan, Removal):
            return cls(plan, plan.base, on_conflict)
        names = tuple(plan.record._values()) if plan.loaded is None else None
        return cls(plan, plan.record._stored, on_conflict, condition, names, is_doubtful)

    @property
    def schema(self) -> TableSchema:
        """Return the schema of the table."""
        return self.plan.schema

    @property
    def table(self) -> str:
        """Return the name of the table with its prefix."""
        return self.plan.operation.table

    @property
    def mine(self) -> Item | None:
        """Return the item as I would have it, with the version that I know; None to delete it."""
        if isinstance(self.plan, Removal):
            return None
        item, version = plain_item(self.plan.item), self.schema.codec.version
        if version is None or self.plan.version is None:
            return item
        return {**item, version.wire: {"N": str(self.plan.version - 1)}}

    def record(self, item: Item | None) -> Any:
        """Return a record of its own of an item of mine, or of the base; None where there is none."""
        if item is None:
            return None
        codec = self.schema.codec
        item = plain_item(item)
        record = codec.decode(item) if self.names is None else codec.decode_partial(item, self.names)
        if self.base is None:
            codec.remember(record, None, None)  # it is new
        return at_home(record, self.table)


def decide(case: Case, error: ConflictError) -> Save | Removal | None:
    """Return what is to be written now; None to take theirs.

    Raises:
        ConflictError: It stays a conflict.
        ConditionFailed: The caller's condition is false for what is stored.
    """
    theirs = error.item
    if theirs is None and not error.is_deleted:
        raise told(case, error, "was changed or deleted by somebody else, and could not be read")
    if theirs is not None and not _is_of(case, theirs):
        raise told(case, error, "was changed by somebody else, and the reply shows another item")
    if case.condition is not None and not matches(case.condition, theirs or {}):
        raise _condition_failed(case, theirs)
    if theirs is None:
        return _decide_deleted(case, error)
    shown = _read(case, error, theirs)
    if callable(case.on_conflict):
        return _decide_by_call(case, error, shown)
    if case.on_conflict == "theirs":
        return None
    mine = case.mine
    if mine is None:
        if case.on_conflict == "mine":
            return plan_removal(case.schema, case.table, case.plan.key, theirs)
        raise told(case, error, "was changed by somebody else since it was read, and is to be deleted here")
    if case.on_conflict == "mine":
        return _change(case, error, laid_over(case.schema.codec, case.base, mine, theirs))
    try:
        merged = merge(case.schema.codec, case.base, mine, theirs, is_doubtful=case.is_doubtful)
    except Invalid as invalid:
        raise ValidationError(case.schema.codec.record_class.__name__, invalid.problems) from None
    if merged.undecided:
        happened = "was changed by somebody else in the same fields"
        if case.base is None:
            happened = "exists already with other values"
        advice = "declare what becomes of them by field(merge=...), or decide by on_conflict="
        if case.is_doubtful:
            advice = (
                "or by an earlier flush whose reply was lost, and must not count twice: get() it again to see"
            )
        what = f"{happened}, {', '.join(merged.undecided)}: {advice}"
        raise told(case, error, what, merged.undecided)
    return _change(case, error, merged.item)


def _decide_deleted(case: Case, error: ConflictError) -> Save | None:
    """Decide what becomes of a change of an item that is gone."""
    mine = case.mine
    if case.base is None and isinstance(case.plan, Save):
        return case.plan  # what it met is gone
    if callable(case.on_conflict):
        record = case.on_conflict(case.record(case.base), case.record(mine), None)
        if record is None:
            raise told(case, error, "was deleted by somebody else since it was read")
        _check_returned(case, record)
    elif case.on_conflict == "theirs":
        return None
    elif case.on_conflict == "mine" and case.names is None:
        record = case.record(mine)
    else:
        raise told(case, error, "was deleted by somebody else since it was read, and was changed here")
    absent = AttributeNotExists(Path.of(case.schema.hash.wire))
    plan = plan_put(case.schema, case.table, record, absent, case.condition)
    _check_key(case, plan.item)
    return plan


def _decide_by_call(case: Case, error: ConflictError, shown: Any) -> Save | None:
    assert callable(case.on_conflict)
    record = case.on_conflict(case.record(case.base), case.record(case.mine), shown)
    if record is None:
        raise told(case, error, "was changed by somebody else since it was read")
    _check_returned(case, record)
    codec = case.schema.codec
    if record is shown:
        return _planned(case, record)
    try:
        wanted = codec.encode(record)
    except Invalid as invalid:
        raise ValidationError(type(record).__name__, invalid.problems) from None
    _check_key(case, wanted)
    return _change(case, error, laid_over(codec, None, wanted, error.item or {}))


def _change(case: Case, error: ConflictError, item: Item) -> Save | None:
    """Return what makes their item this one."""
    record = _read(case, error, item)
    case.schema.codec.remember(record, plain_item(error.item or {}), None)
    return _planned(case, record)


def _planned(case: Case, record: Any) -> Save | None:
    if not case.schema.codec.is_dirty(record):
        return None
    return plan_save(case.schema, case.table, record, condition=case.condition)


def _read(case: Case, error: ConflictError, item: Item) -> Any:
    """Return the record of an item, or raise the conflict where there can be none."""
    try:
        return at_home(case.schema.codec.decode(plain_item(item)), case.table)
    except Invalid:
        raise told(case, error, "was changed by somebody else to what cannot be read") from None


def _check_returned(case: Case, record: Any) -> None:
    expected = case.schema.codec.record_class
    if type(record) is not expected:
        raise DynamoSchemaException(
            f"on_conflict returned {type(record).__name__}: it returns a {expected.__name__}, or None to give up"
        )


def _is_of(case: Case, item: Item) -> bool:
    """Tell whether an item has the key that the write is for."""
    schema = case.schema
    try:
        return schema.lookup_item(item) == schema.lookup_item(case.plan.operation.key)
    except (KeyError, Invalid):
        return False


def _check_key(case: Case, item: Item) -> None:
    if not _is_of(case, item):
        raise DynamoSchemaException(
            f"on_conflict returned a record with another key than {case.plan.key!r}, which it was called for"
        )


def _condition_failed(case: Case, item: Item | None) -> ConditionFailed:
    name, key = case.schema.table_name, case.plan.key
    message = f"{name} {key!r}: the condition is false, nothing was written"
    return ConditionFailed(message, table=name, key=key, item=item)


def told(case: Case, error: ConflictError, what: str, fields: tuple[str, ...] | None = None) -> ConflictError:
    """Return a conflict as the caller sees it: what was loaded, what was to be saved, what is there."""
    name, codec = case.schema.table_name, case.schema.codec
    conflict = type(error)(f"{name} {case.plan.key!r} {what}", table=name, key=case.plan.key, item=error.item)
    conflict.is_deleted = error.is_deleted
    conflict.mine = case.plan.record if isinstance(case.plan, Save) else None
    conflict.theirs = error.theirs
    try:
        conflict.base = case.record(case.base)
    except Invalid:
        conflict.base = None
    if fields is not None:
        conflict.fields = fields
    elif conflict.base is not None and conflict.theirs is not None and case.names is None:
        conflict.fields = tuple(
            f.name for f in codec.fields if getattr(conflict.base, f.name) != getattr(conflict.theirs, f.name)
        )
    return conflict
