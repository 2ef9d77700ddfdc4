"""What a table is: its declaration, by a class or by arguments, and the table it stands for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, ForwardRef, Generic, TypeVar, get_args, get_origin

from ..codec.records import RecordCodec
from ..connection.connection import Connection
from ..database import DynamoDatabase
from ..database.opening import OpenTable
from ..errors import DynamoSchemaException, closest
from ..record import DynamoRecord, SchemalessRecord, codec_of
from ..schema import GlobalIndex, HashKey, LocalIndex, RangeKey, TableSchema
from ..schema.declarations import read_parts, read_throughput

__all__ = ["Declared", "Record"]

Record = TypeVar("Record", bound=DynamoRecord)

#: What a class body may declare.
_NAMES = (
    *("table_name", "schema", "throughput", "record_class", "global_indexes", "local_indexes"),
    *("database", "auto_create", "consistent_read"),
)
#: From this similarity on, an attribute is taken for a misspelt one of the above.
_ALIKE = 0.85


class Declared(Generic[Record]):
    """The declaration of a table, see `DynamoTable`."""

    table_name: str = ""
    schema: Sequence[HashKey | RangeKey] = ()
    throughput: Mapping[str, int] | None = None
    record_class: type[Record]
    global_indexes: Sequence[GlobalIndex] = ()
    local_indexes: Sequence[LocalIndex] = ()
    database: DynamoDatabase
    auto_create: bool | None = None
    consistent_read: bool = False

    #: Declaration -> schema; those of one class.
    _schemas: ClassVar[dict[Any, TableSchema]] = {}
    #: The record class in the brackets of the declaration, or the type variable for it.
    _record_argument: ClassVar[Any] = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._schemas = {}
        for alias in vars(cls).get("__orig_bases__", ()):
            origin = get_origin(alias)
            if isinstance(origin, type) and issubclass(origin, Declared):
                cls._record_argument = _argument(cls, origin, get_args(alias))
        _check_attributes(cls)
        record_class = _record_class(cls)
        if cls.table_name and cls.schema and record_class is not None:
            _check_names(cls, record_class)

    def __init__(
        self,
        table_name: str | None = None,
        schema: Sequence[HashKey | RangeKey] | None = None,
        throughput: Mapping[str, int] | None = None,
        record_class: type[Record] | None = None,
        global_indexes: Sequence[GlobalIndex] | None = None,
        local_indexes: Sequence[LocalIndex] | None = None,
        database: DynamoDatabase | str | None = None,
    ) -> None:
        """Find the table, and create it if it is missing.

        Raises:
            DynamoSchemaException: The declaration cannot work, or the table has other keys.
            DynamoException: There is no connection.
        """
        given = {
            "table_name": table_name,
            "schema": schema,
            "throughput": throughput,
            "record_class": record_class,
            "global_indexes": global_indexes,
            "local_indexes": local_indexes,
        }
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)
        where = getattr(self, "database", None) if database is None else database
        self.database = _database(where)
        self._schema = self._compiled()
        self._codec: RecordCodec = self._schema.codec
        self.record_class = self._codec.record_class
        self.database.open_table(self._schema, self.auto_create)

    def _compiled(self) -> TableSchema:
        record_class = vars(self).get("record_class") or _record_class(type(self))
        if record_class is None and (type(self)._record_argument is Any or "table_name" in vars(self)):
            record_class = SchemalessRecord
        if record_class is None:  # declared by a class, and most likely forgotten
            raise DynamoSchemaException(
                f"{type(self).__name__} has no record class: derive from DynamoTable[Store], say, "
                f"or give record_class=SchemalessRecord for records of any fields"
            )
        declared = (
            self.table_name,
            _hashable(self.schema),
            _hashable(self.throughput),
            record_class,
            _hashable(self.global_indexes),
            _hashable(self.local_indexes),
        )
        with suppress(KeyError, TypeError):  # TypeError: something in it is no declaration
            return self._schemas[declared]
        built = self._built(record_class)
        self._schemas[declared] = built
        return built

    def _built(self, record_class: Any) -> TableSchema:
        if not self.table_name:
            raise DynamoSchemaException(f"{type(self).__name__} has no table_name")
        _check_record_class(type(self), record_class)
        return TableSchema.build(
            self.table_name,
            codec_of(record_class),
            read_parts(self.schema),
            global_indexes=_several(self.global_indexes, "global_indexes"),
            local_indexes=_several(self.local_indexes, "local_indexes"),
            throughput=read_throughput(self.throughput, self.table_name),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.table_name!r})"

    # --- where it is ------------------------------------------------------------------------

    # The database is asked each time: after a reconnect, the table is somewhere else.

    @property
    def _opened(self) -> OpenTable:
        return self.database.opened_table(self._schema, self.auto_create)

    @property
    def full_name(self) -> str:
        """Return the name of the table in the service, with the prefix."""
        return self.database.opened_table(self._schema, self.auto_create).name

    @property
    def table(self) -> Any:
        """Return the boto3 Table, for what this library does not do."""
        return self.database.get_table(self.table_name)

    @property
    def _connection(self) -> Connection:
        return self.database.get_connection()


def _hashable(given: Any) -> Any:
    if isinstance(given, list):
        return tuple(given)
    return tuple(given.items()) if isinstance(given, Mapping) else given


def _several(given: Any, what: str) -> Sequence[Any]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return given
    raise DynamoSchemaException(f"{what} is a list of indexes, got {given!r}")


def _database(given: Any) -> DynamoDatabase:
    if given is None or isinstance(given, str):
        return DynamoDatabase() if given is None else DynamoDatabase(given)
    if not isinstance(given, DynamoDatabase):
        raise DynamoSchemaException(
            f"database= takes a DynamoDatabase or its name, not {type(given).__name__}"
        )
    return given


# --- the record class -----------------------------------------------------------------------


def _argument(cls: type, origin: type[Declared[Any]], arguments: tuple[Any, ...]) -> Any:
    """Return what stands for the record in ``class T(Base[...])``, whatever Base's parameters."""
    parameters: tuple[Any, ...] = getattr(origin, "__parameters__", ())
    wanted = origin._record_argument or parameters[0]
    if wanted not in parameters:
        return wanted
    argument = arguments[parameters.index(wanted)]
    if isinstance(argument, TypeVar | ForwardRef) or argument is Any:
        return argument
    _check_record_class(cls, argument)
    return argument


def _record_class(cls: type[Declared[Any]]) -> Any:
    """Return the declared record class, or None where there is none (yet)."""
    found = getattr(cls, "record_class", None)
    if found is not None:
        _check_record_class(cls, found)
    argument = cls._record_argument
    if isinstance(argument, ForwardRef):
        argument = getattr(sys.modules.get(cls.__module__), argument.__forward_arg__, None)
    if not isinstance(argument, type) or not issubclass(argument, DynamoRecord):
        return found
    if found is not None and found is not argument:
        raise DynamoSchemaException(
            f"{cls.__name__} names two record classes, {argument.__name__} and {found.__name__}"
        )
    return argument


def _check_record_class(cls: type, given: Any) -> None:
    if not isinstance(given, type) or not issubclass(given, DynamoRecord):
        shown = getattr(given, "__name__", repr(given))
        raise DynamoSchemaException(f"{cls.__name__}: {shown} is not a DynamoRecord class")


# --- mistakes that are found when the class is made --------------------------------------------


def _check_attributes(cls: type[Declared[Any]]) -> None:
    """Find misspelt names, which would be ignored."""
    for name, value in vars(cls).items():
        if (
            name.startswith("_")
            or callable(value)
            or hasattr(value, "__get__")
            or hasattr(super(cls, cls), name)
        ):
            continue
        import difflib  # only attributes that are none of ours need it

        near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=_ALIKE)
        if near and near[0] != name:
            raise DynamoSchemaException(f"{cls.__name__}.{name} means nothing: did you mean {near[0]!r}?")


def _check_names(cls: type[Declared[Any]], record_class: type[DynamoRecord]) -> None:
    """Find misspelt keys when the class is made; types are checked when it is first used."""
    if record_class.__dynamo_options__.schemaless:
        return
    fields = record_class.__dynamo_fields__
    for index in (None, *cls.global_indexes, *cls.local_indexes):
        parts = cls.schema if index is None else getattr(index, "parts", ())
        for part in read_parts(parts):
            if part.name not in fields:
                where = "schema" if index is None else f"index {index.name}"
                raise DynamoSchemaException(
                    f"{cls.__name__}, {where}: {record_class.__name__} has no field "
                    f"{part.name!r}{closest(part.name, fields)}"
                )
