"""Seeded bugs: small patches of the package, each of which the tests must notice.

The patches are in the TOML files here, by the part of the package that they break. ``tools/mutations.py`` applies
them one after another to a copy and runs the tests; ``tests/test_mutations.py`` sees to it that they still apply.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "Mutation", "mutations"]

#: Where the patches are.
FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Mutation:
    """One seeded bug.

    Attributes:
        name: Of the bug; unlike all others.
        file: The file that it is in, from the folder of the package.
        old: A piece of text that occurs once in the file.
        new: What stands there instead.
        breaks: What goes wrong, as a user would say it.
        tests: Files of tests, or single tests, that should notice it; from the checkout.
    """

    name: str
    file: str
    old: str
    new: str
    breaks: str
    tests: tuple[str, ...]

    def applied(self, source: str) -> str:
        """Return the source of the file with the bug in it.

        Raises:
            ValueError: The text does not occur just once: the patch has to follow the code.
        """
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: its text occurs {count} times in {self.file}")
        return source.replace(self.old, self.new)


def mutations() -> list[Mutation]:
    """Return all seeded bugs."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for data in tomllib.loads(path.read_text(encoding="utf-8"))["bug"]:
            found.append(Mutation(**{**data, "tests": tuple(data["tests"])}))
    return found
