"""Generated functions: what those that encode and those that decode have in common.

A loop over the fields spends most of its time on calls and look-ups. Generated functions do
the same field by field with the common types in place, which is two to three times as fast.
Their text is made of generated names and of field names that are checked identifiers;
everything else (attribute names, codecs, defaults) is passed in as a constant.

When a value is bad, all is done again one by one, to report all problems. Where records
nest that would double the work with every level (see ``members``): functions of classes
with such fields keep note of the field they are at, and only the rest is done.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .codec import Source
from .fields import FieldCodec
from .values import Invalid, TooDeep, attribute_path, problems_of

__all__ = ["Explain", "checked", "compiled", "explained", "indented", "marker", "needs_markers"]

#: From a field and what is converted to the conversion of the one field, and its argument.
Explain = Callable[[FieldCodec, Any], tuple[Callable[[Any], Any], Any]]


def compiled(name: str, parameters: str, lines: Sequence[str], source: Source) -> Callable[..., Any]:
    """Return the function that has these parameters and lines."""
    text = f"def {name}({parameters}):\n" + "\n".join(indented(lines)) + "\n"
    namespace = dict(source.constants)
    exec(compile(text, f"<dynamo_objects {name}>", "exec"), namespace)  # noqa: S102
    function: Callable[..., Any] = namespace[name]
    return function


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines one level deeper."""
    return [f"    {line}" for line in lines]


def checked(name: str) -> str:
    """Return the name of a field for use in generated text.

    Raises:
        TypeError: It is none.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise TypeError(f"{name!r} is not a field name")
    return name


def needs_markers(fields: Sequence[FieldCodec]) -> bool:
    """Tell whether a field may hold records, or containers of containers."""
    return not all(field.codec.is_scalar or field.codec.inline_encode for field in fields)


def marker(fields: Sequence[FieldCodec], place: int) -> list[str]:
    """Return the line that takes note of the field."""
    return [f"at = {place}"] if needs_markers(fields) else []


def explained(
    fields: Sequence[FieldCodec],
    lines: Sequence[str],
    caught: str,
    conversion: Explain,
    subject: str,
    source: Source,
) -> list[str]:
    """Return lines that raise Invalid with all problems where *lines* raise one of *caught*.

    Args:
        conversion: Returns how one field of *subject* is converted by itself.
        subject: Name of the parameter.
    """

    def explain(error: Exception, at: int | None, converted: Any) -> Exception:
        problems = []
        rest = fields if at is None else fields[at:]
        if at is not None and isinstance(error, Invalid) and not _is_in_place(rest[0]):
            problems += error.under(attribute_path(rest[0].name))
            rest = rest[1:]
        for field in rest:
            convert, value = conversion(field, converted)
            problems += problems_of([(attribute_path(field.name), value)], convert)
        return Invalid(problems) if problems else error

    for known in (Invalid, TooDeep):
        source.constants[known.__name__] = known
    return [
        "at = None",
        "try:",
        *indented(lines),
        "except TooDeep: raise",
        f"except ({caught}) as error: raise {source.constant(explain)}(error, at, {subject}) from None",
    ]


def _is_in_place(field: FieldCodec) -> bool:
    """Tell whether the code of a field knows only that something is wrong, not what."""
    return field.codec.inline_encode is not None or field.codec.inline_decode is not None
