"""Records of any fields."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dynamo_objects import (
    ConflictError,
    DynamoRecord,
    DynamoSchemaException,
    DynamoTable,
    GlobalIndex,
    HashKey,
    InvalidKeysException,
    LocalIndex,
    RangeKey,
    SchemalessRecord,
    ValidationError,
)


class Event(DynamoRecord, schemaless=True):
    """Some fields are known, any others may be there."""

    event_id: str = ""
    kind: str = "other"


class EventTable(DynamoTable[Event]):
    """Events by id; the keys of the indexes are no fields."""

    table_name = "event"
    schema = [HashKey("event_id"), RangeKey("at", data_type="N")]
    global_indexes = [GlobalIndex("ByOwner", [HashKey("owner"), RangeKey("at")])]
    local_indexes = [LocalIndex("BySize", [RangeKey("size", data_type="N")])]


class OldStyle(DynamoRecord):
    """The way of 2016 to say the same."""

    event_id: str = ""

    def _freeze_schema(self) -> None:
        pass


@pytest.fixture
def events(db):
    """A table of events."""
    return EventTable()


def test_any_field_is_kept(events):
    """
    Fields that are not declared are stored and loaded with their types.
    """
    given = {
        "count": 1,
        "share": Decimal("0.5"),
        "names": ["a", None],
        "parts": {"x": {"y": [1]}},
        "flag": True,
    }
    events.save(Event(event_id="e", at=1, **given))
    record = events.get("e", 1)

    assert given == {name: getattr(record, name) for name in given}
    assert ("e", 1, "other") == (record.event_id, record.at, record.kind)


def test_changes_of_any_field(events):
    """
    New, changed and deleted fields are sent, others not; conflicts are found.
    """
    events.save(Event(event_id="e", at=1, a=1, b=2, c=[1]))
    record, theirs = events.get("e", 1), events.get("e", 1)
    record.a = 5
    record.d = "new"
    record.c.append(2)
    del record.b
    events.save(record)

    assert {"a": 5, "c": [1, 2], "d": "new"} == {
        name: value for name, value in events.get("e", 1).get_dict().items() if len(name) == 1
    }
    theirs.a = 7
    with pytest.raises(ConflictError):
        events.save(theirs)


def test_the_old_way(db):
    """
    Overriding _freeze_schema with ``pass`` allows any field.
    """
    table: DynamoTable[OldStyle] = DynamoTable("old", schema=[HashKey("event_id")], record_class=OldStyle)
    table.save(OldStyle(event_id="e", anything=1))

    assert 1 == table.get("e").anything


def test_table_without_a_record_class(db):
    """
    A table that names no record class takes any fields; its keys are text unless it says otherwise.
    """
    table: DynamoTable = DynamoTable("things", schema=[HashKey("id"), RangeKey("n", data_type="N")])
    table.save(SchemalessRecord(id="a", n=1, x="y"))
    table["a", 2] = SchemalessRecord(id="a", n=2)

    assert table.record_class is SchemalessRecord
    assert "y" == table.get("a", 1).x
    assert [1, 2] == [record.n for record in table.query("a")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"event_id": "e", "at": "1"}, "at: is a key of type N, got S|at: expected"),
        ({"event_id": "e"}, "at: .*None|at: has no value|the range key has no value"),
        ({"event_id": "", "at": 1}, "event_id"),
    ],
)
def test_keys_of_wrong_types(offline, fields, message):
    """
    Keys are checked as declared, before any request.
    """

    with pytest.raises(InvalidKeysException, match=message):
        EventTable().save(Event(**fields))


@pytest.mark.parametrize(
    "fields", [{"owner": 5}, {"size": "5"}, {"owner": ""}, {"owner": None}, {"size": [5]}]
)
def test_index_keys_of_wrong_types(offline, fields):
    """
    Keys of indexes are checked too: engines would refuse the item, or leave it out of the index.
    """
    ((name, _),) = fields.items()

    with pytest.raises(ValidationError, match=name):
        EventTable().save(Event(event_id="e", at=1, **fields))
    with pytest.raises(ValidationError, match=name):
        EventTable().save_many([Event(event_id="e", at=1, **fields)])


def test_engines_disagree_about_such_items(events, engine, engine_client):
    """
    An item with an index key of a wrong type is refused by the service itself.
    """
    item = {"event_id": {"S": "e"}, "at": {"N": "1"}, "owner": {"N": "5"}}
    if engine.differs("stores index keys of any type"):
        engine_client.put_item(TableName=events.full_name, Item=item)
    else:
        with pytest.raises(engine_client.exceptions.ClientError, match="ValidationException"):
            engine_client.put_item(TableName=events.full_name, Item=item)


def test_queries(events):
    """
    Any field may be asked for, with any value.
    """
    events.save_many(Event(event_id="e", at=n, owner="ann", size=-n, tag=f"t{n}") for n in range(4))

    assert [2, 3] == [event.at for event in events.query("e", at__gte=2)]
    assert [3] == [event.at for event in events.query("e", tag__eq="t3")]
    assert [3, 2, 1, 0] == [event.at for event in events.query("e", index="BySize")]
    assert [0, 1] == [event.at for event in events.query("ann", index="ByOwner", at__lt=2)]
    assert 4 == events.scan(tag__beginswith="t").count()
    assert ["t3"] == [event.tag for event in events.query("e", attributes=["tag"], at__eq=3)]


def test_updates_and_counters(events):
    """
    update and update_counter take any field.
    """
    assert {"hits": 2} == events.update_counter("e", 1, hits=2)
    assert {"hits": 3, "validate": 1} == events.update_counter("e", 1, hits=1, validate=1)
    record = events.update("e", 1, put={"note": "x"}, add={"names": {"a", "b"}}, remove=["hits"])

    assert ("x", {"a", "b"}) == (record.note, record.names)
    assert not hasattr(record, "hits")


def test_one_key_has_one_type(db):
    """
    A key that is no field may have its type said once; saying two is a mistake.
    """
    with pytest.raises(DynamoSchemaException, match="at is of type N elsewhere, and S here"):

        class Wrong(EventTable):
            table_name = "wrong"
            global_indexes = [GlobalIndex("ByOwner", [HashKey("owner"), RangeKey("at", data_type="S")])]

        Wrong()
