"""Every error of the library, and which of DynamoDB's error codes becomes which class.

An error says what happened, to which table and key, and what to do about it.
Its facts are attributes. No error shows item values or credentials; keys are shown.

The tree::

    DynamoException
    ├── DynamoSchemaException       a declaration that cannot work, an existing table that differs
    │   ├── UnknownFieldError       a field name that the record does not have
    │   └── FieldNotLoaded          a field that a partial record did not read
    ├── InvalidKeysException        keys missing, empty, of a wrong type, too long, or changed
    ├── ValidationError             values that cannot be stored; carries all problems
    ├── DecodeError                 a stored item that the record class cannot read
    ├── QueryError                  a query or condition that cannot work
    │   └── CursorError             a cursor that is damaged or belongs to another query
    ├── ItemNotFound                (also a KeyError)
    ├── MultipleItemsFound          ``one()`` found more than one
    ├── ConditionFailed             the condition of a write was false, nothing was written
    │   └── ConflictError           somebody else changed the item since it was read
    │       └── ItemExists          a new record whose key is taken
    ├── OutcomeUnknown              the reply was lost: the write may or may not have happened
    ├── BatchFailed                 some writes of a batch or flush did not happen
    ├── JournalError                the journal of a MemoryTable cannot be used or written
    │   ├── JournalInUse            somebody else has it open
    │   ├── JournalUnfinished       it holds what a dead process has accepted: recover() it first
    │   └── JournalDamaged          parts of it cannot be read; the rest was recovered
    ├── TransportError              the request could not be sent, or its reply not be read
    ├── NotDynamoDBReply            something answered that is not DynamoDB
    └── ServiceError                DynamoDB answered with an error code
        ├── AccessRefused, InvalidRequest, ItemCollectionTooLarge, LimitExceeded
        ├── TableNotFound, TableInUse
        ├── ThrottledError, InternalError, TransactionConflict
        └── TransactionCancelled    one reason for each action
"""

from __future__ import annotations

from .base import (
    DynamoException,
    Problem,
    closest,
)
from .journals import JournalDamaged, JournalError, JournalInUse, JournalUnfinished
from .records import (
    BatchFailed,
    ConditionFailed,
    ConflictError,
    CursorError,
    DecodeError,
    DynamoSchemaException,
    Failure,
    FieldNotLoaded,
    InvalidKeysException,
    ItemExists,
    ItemNotFound,
    MultipleItemsFound,
    OutcomeUnknown,
    QueryError,
    UnknownFieldError,
    ValidationError,
)
from .service import (
    AccessRefused,
    CancellationReason,
    InternalError,
    InvalidRequest,
    ItemCollectionTooLarge,
    LimitExceeded,
    NotDynamoDBReply,
    ServiceError,
    TableInUse,
    TableNotFound,
    ThrottledError,
    TransactionCancelled,
    TransactionConflict,
    TransportError,
)

__all__ = [
    "AccessRefused",
    "BatchFailed",
    "CancellationReason",
    "ConditionFailed",
    "ConflictError",
    "CursorError",
    "DecodeError",
    "DynamoException",
    "DynamoSchemaException",
    "Failure",
    "FieldNotLoaded",
    "InternalError",
    "InvalidKeysException",
    "InvalidRequest",
    "ItemCollectionTooLarge",
    "ItemExists",
    "ItemNotFound",
    "JournalDamaged",
    "JournalError",
    "JournalInUse",
    "JournalUnfinished",
    "LimitExceeded",
    "MultipleItemsFound",
    "NotDynamoDBReply",
    "OutcomeUnknown",
    "Problem",
    "QueryError",
    "ServiceError",
    "TableInUse",
    "TableNotFound",
    "ThrottledError",
    "TransactionCancelled",
    "TransactionConflict",
    "TransportError",
    "UnknownFieldError",
    "ValidationError",
    "closest",
]
