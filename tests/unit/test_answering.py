"""botocore's clients answered by an engine: requests and replies are exactly what botocore makes of them."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_objects.connection import answering
from dynamo_objects.connection.local import local_resource
from dynamo_objects.connection.transport import Reply
from tests.dictservice import error_reply, good_reply


def make_client(**options: Any) -> Any:
    """Return a client that reaches nothing."""
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("dynamodb", endpoint_url="http://127.0.0.1:1", **options)


CLIENT = make_client()
MODEL = CLIENT.meta.service_model
OPERATIONS = sorted(MODEL.operation_names)


class Told:
    """An engine that answers as told.

    Attributes:
        reply: What it answers.
        received: What it was asked.
    """

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.received: list[tuple[str, bytes]] = []

    def send(self, operation: str, payload: bytes) -> Reply:
        """Answer."""
        self.received.append((operation, payload))
        return self.reply

    def close(self) -> None:
        """Do nothing."""


# --- the law: as botocore -------------------------------------------------------------------

texts = st.text(max_size=3) | st.sampled_from(["B", "BS", "\ud800", "1"])
#: What no shape expects.
strays = (
    st.none() | st.booleans() | st.integers(-1, 3) | texts | st.binary(max_size=2) | st.just([]) | st.just({})
)


def values(of_requests: bool) -> st.SearchStrategy[Any]:
    """Return attribute values, as parameters or as JSON."""
    binary = st.binary(max_size=3) if of_requests else st.sampled_from(["", "AA==", "AAH/"])
    leaves = st.one_of(
        st.fixed_dictionaries({"S": texts}),
        st.fixed_dictionaries({"N": texts}),
        st.fixed_dictionaries({"B": binary}),
        st.fixed_dictionaries({"SS": st.lists(texts, max_size=2)}),
        st.fixed_dictionaries({"NS": st.lists(texts, max_size=2)}),
        st.fixed_dictionaries({"BS": st.lists(binary, max_size=2)}),
        st.fixed_dictionaries({"NULL": st.booleans()}),
        st.fixed_dictionaries({"BOOL": st.booleans()}),
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.fixed_dictionaries({"L": st.lists(inner, max_size=2)})
            | st.fixed_dictionaries({"M": st.dictionaries(texts, inner, max_size=2)})
        ),
        max_leaves=4,
    )


REQUEST_VALUES, REPLY_VALUES = values(True), values(False)


@st.composite
def shaped(draw: Any, shape: Any, of_requests: bool, depth: int = 0) -> Any:
    """Return something of a shape of botocore's models, nearly: with strays, and with members missing."""
    if of_requests and draw(st.integers(0, 25)) == 0:
        return draw(strays)
    if shape.name == "AttributeValue":
        return draw(REQUEST_VALUES if of_requests else REPLY_VALUES)

    def inner(part: Any) -> Any:
        return draw(shaped(part, of_requests, depth + 1))

    match shape.type_name:
        case "structure":
            required = shape.metadata.get("required", [])
            few = (
                draw(st.sets(st.sampled_from(sorted(shape.members)), max_size=3)) if shape.members else set()
            )
            found = {name: inner(shape.members[name]) for name in {*few, *(required if depth < 6 else ())}}
            return {**found, **({"Stray": 1} if draw(st.integers(0, 20)) == 0 else {})}
        case "list":
            return [inner(shape.member) for _ in range(draw(st.integers(0, 2)))]
        case "map":
            return {draw(texts): inner(shape.value) for _ in range(draw(st.integers(0, 2)))}
        case "string":
            return draw(st.sampled_from(["abc", "a", ""]))
        case "blob":
            return draw(st.binary(max_size=3)) if of_requests else "AAH/"
        case "boolean":
            return draw(st.booleans())
        case "timestamp":
            return draw(st.sampled_from([0, 1.5, 1_700_000_000]))
        case "float" | "double":
            return draw(st.sampled_from([1, 1.5]))
    return draw(st.integers(-1, 5))


def outcome(call: Any) -> tuple[str, Any]:
    """Return what a call returns or raises."""
    try:
        return "returned", call()
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=10)
@given(data=st.data())
def test_requests_are_those_of_botocore(operation: str, data: Any) -> None:
    """
    Parameters give the JSON of botocore's serializer, or the error of its validation.
    """
    plan = answering._plan(CLIENT, operation)
    parameters = data.draw(shaped(plan.model.input_shape, True))

    def botocores() -> Any:
        return json.loads(CLIENT._serializer.serialize_to_request(parameters, plan.model)["body"])

    assert outcome(botocores) == outcome(lambda: json.loads(plan.payload(CLIENT, parameters)))


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=10)
@given(data=st.data())
def test_replies_are_those_of_botocore(operation: str, data: Any) -> None:
    """
    A reply gives what botocore's parser gives: bytes, times, and nothing that its model does not know.
    """
    plan = answering._plan(CLIENT, operation)
    shape = plan.model.output_shape
    body = b"" if shape is None else json.dumps(data.draw(shaped(shape, False))).encode()
    reply = good_reply(body)
    response = {"headers": dict(reply.headers), "status_code": 200, "body": body, "context": {}}
    parser = CLIENT._endpoint._response_parser_factory.create_parser("json")

    assert parser.parse(response, plan.model.output_shape) == plan.parsed(CLIENT, response)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("GetItem", b""),
        ("GetItem", b"{}"),
        ("GetItem", b'{"Item":null,"Stray":1}'),
        ("GetItem", b'{"Item":{"a":{"S":"\\ud800"},"b":{"B":"AAH/"}}}'),
        (
            "BatchGetItem",
            b'{"Responses":{"t":[{"B":{"M":{"BS":{"BS":["AA=="]}}}},null]},"UnprocessedKeys":{}}',
        ),
        ("DescribeTable", b'{"Table":{"CreationDateTime":1.5E9,"ItemCount":3,"KeySchema":[]}}'),
        ("TransactGetItems", b'{"Responses":[{},{"Item":{"a":{"N":"1"}}}]}'),
    ],
)
def test_replies_of_some_kinds(operation: str, body: bytes) -> None:
    """
    Examples of what the law above is about.
    """
    plan = answering._plan(CLIENT, operation)
    response = {"headers": {}, "status_code": 200, "body": body, "context": {}}
    parser = CLIENT._endpoint._response_parser_factory.create_parser("json")
    found = plan.parsed(CLIENT, response)
    found["ResponseMetadata"].pop("RequestId", None)

    assert parser.parse(response, plan.model.output_shape) == found


@pytest.mark.parametrize(
    "value",
    [
        {"B": bytearray(b"x")},
        {"B": "text"},
        {"B": io.BytesIO(b"x").getvalue()},
        {"L": ({"S": "tuple"},)},
        {"S": type("Text", (str,), {})("subclass")},
        {"S": "a", "N": "1"},
        {},
    ],
)
def test_unusual_parameters_are_left_to_botocore(value: Any) -> None:
    """
    What botocore takes besides plain types is taken too.
    """
    plan = answering._plan(CLIENT, "PutItem")
    parameters = {"TableName": "things", "Item": {"a": value}}
    expected = json.loads(CLIENT._serializer.serialize_to_request(parameters, plan.model)["body"])

    assert expected == json.loads(plan.payload(CLIENT, parameters))


def test_validation_can_be_off_as_in_botocore() -> None:
    """
    A client that does not validate sends what it is given.
    """
    from botocore.config import Config

    client, engine = make_client(config=Config(parameter_validation=False)), Told(good_reply({}))
    answering.answer(engine, client, "GetItem", {"TableName": "", "Key": {"a": {"S": 1}}})

    assert [("GetItem", b'{"TableName": "", "Key": {"a": {"S": 1}}}')] == engine.received
    with pytest.raises(ParamValidationError):
        answering.answer(engine, CLIENT, "GetItem", {"TableName": "", "Key": {"a": {"S": 1}}})


# --- errors ---------------------------------------------------------------------------------


def test_errors_are_those_of_the_client() -> None:
    """
    An error is the client's own exception class, with code, message, metadata and modeled members.
    """
    reasons = [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Item": {"a": {"B": "AAH/"}}, "Message": "m"},
    ]
    engine = Told(error_reply("TransactionCanceledException", "why", CancellationReasons=reasons))

    with pytest.raises(CLIENT.exceptions.TransactionCanceledException) as caught:
        answering.answer(engine, CLIENT, "TransactWriteItems", {"TransactItems": [{}]})
    response = caught.value.response

    assert "TransactWriteItems" == caught.value.operation_name
    assert {"Code": "TransactionCanceledException", "Message": "why"} == response["Error"]
    assert {"a": {"B": b"\x00\x01\xff"}} == response["CancellationReasons"][1]["Item"]
    assert (400, 0) == (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["ResponseMetadata"]["RetryAttempts"],
    )


def test_a_failed_condition_carries_the_item() -> None:
    """
    The stored item comes with a failed condition, as the client's model has it.
    """
    engine = Told(error_reply("ConditionalCheckFailedException", "no", Item={"a": {"S": "x"}}))

    with pytest.raises(CLIENT.exceptions.ConditionalCheckFailedException) as caught:
        answering.answer(engine, CLIENT, "DeleteItem", {"TableName": "things", "Key": {"a": {"S": "x"}}})

    assert {"a": {"S": "x"}} == caught.value.response["Item"]


# --- what is registered on a client ---------------------------------------------------------


def test_handlers_of_a_client_are_asked() -> None:
    """
    Events come in botocore's order; handlers may change parameters, the body, and what comes back.
    """
    client, seen = make_client(), []
    engine = Told(good_reply({"Item": {"a": {"S": "x"}}}))

    def note(event_name: str, **given: Any) -> None:
        seen.append(event_name.partition(".")[0])
        if event_name.startswith("before-call"):
            given["params"]["body"] = given["params"]["body"].replace(b"things", b"others")

    for name in (
        "provide-client-params",
        "before-parameter-build",
        "before-call",
        "before-parse",
        "after-call",
    ):
        client.meta.events.register(f"{name}.dynamodb.GetItem", note)
    answering.answer(engine, client, "GetItem", {"TableName": "things", "Key": {}})

    assert [
        "provide-client-params",
        "before-parameter-build",
        "before-call",
        "before-parse",
        "after-call",
    ] == seen
    assert [("GetItem", b'{"TableName":"others","Key":{}}')] == engine.received


def test_stubs_on_a_client_are_asked_first() -> None:
    """
    botocore's Stubber answers in the engine's place.
    """
    from botocore.stub import Stubber

    client, engine = make_client(), Told(good_reply({}))
    with Stubber(client) as stubber:
        stubber.add_response("list_tables", {"TableNames": ["stub"]})

        assert ["stub"] == answering.answer(engine, client, "ListTables", {})["TableNames"]
    assert [] == engine.received


def test_replies_are_copies() -> None:
    """
    What is handed out can be changed without changing what the engine holds.
    """
    engine = Told(good_reply({"Item": {"a": {"L": []}}}))
    call = {"TableName": "things", "Key": {}}
    answering.answer(engine, CLIENT, "GetItem", dict(call))["Item"]["a"]["L"].append(1)

    assert {"a": {"L": []}} == answering.answer(engine, CLIENT, "GetItem", dict(call))["Item"]


def test_another_parser_of_times_is_respected() -> None:
    """
    A session that reads times in its own way gets them in its own way.
    """
    session = botocore.session.Session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    client = session.create_client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    engine = Told(good_reply({"Table": {"CreationDateTime": 1.5}}))

    assert (
        "1.5"
        == answering.answer(engine, client, "DescribeTable", {"TableName": "things"})["Table"][
            "CreationDateTime"
        ]
    )


def test_a_resource_over_an_engine() -> None:
    """
    A boto3 resource works with Python values both ways, and reaches no network.
    """
    engine = Told(good_reply({"Item": {"n": {"N": "1.5"}, "s": {"SS": ["a"]}}}))
    table = local_resource(engine).Table("things")

    assert {"n": Decimal("1.5"), "s": {"a"}} == table.get_item(Key={"id": 7})["Item"]
    assert [("GetItem", b'{"Key":{"id":{"N":"7"}},"TableName":"things"}')] == [
        (name, json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode())
        for name, body in engine.received
    ]
