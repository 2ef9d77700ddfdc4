"""The rules of the house: who may import whom, what may be used where, how long a module may be.

The rules are read from the source, by ``ast``; nothing is imported, except to see what is public.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "dynamo_objects"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: The parts of the package, from the ground up: each may import those of the layers before
#: its own. What is imported lazily or for types only counts as well. The package itself gives
#: out names, and may import everything.
LAYERS = (
    {"errors"},
    {"codec"},
    {"expressions", "schema"},
    {"local"},
    {"record"},
    {"operations"},
    {"flows"},
    {"connection"},
    {"database", "query"},
    {"table"},
    {"memorydb"},
    {"dynamock", "cli"},
    {"__main__"},
)
PARTS = {part for layer in LAYERS for part in layer}

#: Library from outside -> where it may be imported.
PLACES = {
    "boto3": {"connection"},
    "botocore": {"connection", "dynamock"},
    "cachetools": {"memorydb"},
    "attrs": PARTS,
    "msgspec": PARTS,
    "pycurl": {"connection"},
    "sqlalchemy": {"local"},
    "urllib3": {"connection"},
}

#: What the embedded engine may use besides itself: it knows nothing of records.
LOCAL_USES = {
    "errors",
    "expressions",
    "codec.values",
    "codec.numbers",
    "codec.sizes",
    "codec.keys",
    "codec.structs",
}

#: Calls that run data as a program, or could; one module writes functions, from names of its own.
NO_CALLS = {"eval", "exec", "compile", "__import__"}
COMPILER = "codec/generating.py"
NO_IMPORTS = {"pickle", "marshal", "shelve", "dill"}

MAX_LINES = 400


@pytest.fixture(autouse=True)
def nothing_is_served() -> Iterator[None]:
    """Importing dynamock starts it; here it is only looked at."""
    yield
    dynamock = sys.modules.get("dynamo_objects.dynamock")
    if dynamock is not None:
        dynamock.stop()


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """Return the part of the package that a module belongs to; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


NAMES = {name_of(path): path for path in MODULES}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in NAMES.items()}


def resolved(module: str, node: ast.ImportFrom) -> str:
    """Return the module from which an import takes its names."""
    if not node.level:
        return node.module or ""
    package = module if NAMES[module].name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def imports(module: str) -> Iterator[str]:
    """Yield the modules that a module imports, wherever in it; a name that is a module is that module."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolved(module, node)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in NAMES else source


def own_imports(module: str) -> set[str]:
    """Return the modules of this package that a module imports."""
    return {found for found in imports(module) if found in NAMES and found != module}


modules = pytest.mark.parametrize("module", sorted(NAMES))


def test_the_rules_know_every_part():
    """
    Every part of the package has its layer.
    """
    assert PARTS == {part_of(name) for name in NAMES} - {""}


def allowed(part: str) -> set[str]:
    """Return the parts that a part may import."""
    below: set[str] = set()
    for layer in LAYERS:
        if part in layer:
            break
        below |= layer
    return {*below, part}


@modules
def test_parts_import_only_what_they_may(module):
    """
    Each part imports only itself and the layers below, lazily or not.
    """
    part = part_of(module)
    if part:
        wrong = {found for found in own_imports(module) if part_of(found) not in allowed(part)}

        assert set() == wrong


@modules
def test_the_embedded_engine_knows_no_records(module):
    """
    The embedded engine could be shipped alone, and SQLAlchemy is loaded only with its SQL storage.
    """
    if part_of(module) != "local":
        return
    uses = {found.partition(".")[2] for found in own_imports(module)}
    wrong = {used for used in uses if used.partition(".")[0] not in ("local", *LOCAL_USES)}

    assert set() == wrong - LOCAL_USES
    assert "sqlalchemy" not in imports_of_libraries(module) or module.startswith(
        "dynamo_objects.local.storage.sql"
    )


def imports_of_libraries(module: str) -> set[str]:
    """Return the libraries that a module imports."""
    return {found.partition(".")[0] for found in imports(module)}


@modules
def test_libraries_stay_in_their_places(module):
    """
    Libraries from outside are imported only where the design puts them.
    """
    wrong = {
        name
        for name in {found.partition(".")[0] for found in imports(module)}
        if name in PLACES and part_of(module) not in PLACES[name]
    }

    assert set() == wrong


def test_no_cycles():
    """
    No module leads back to itself by its imports, lazy ones and those for types included.
    """
    # The package gives out names on demand, and so imports everything; nothing imports it.
    graph = {name: own_imports(name) for name in NAMES if part_of(name)}
    assert [] == [name for name, found in graph.items() if "dynamo_objects" in found]

    # Whatever imports nothing that is left cannot be part of a cycle.
    while ends := [name for name, found in graph.items() if not found & graph.keys()]:
        for name in ends:
            del graph[name]
    assert {} == graph


@modules
def test_no_data_becomes_program(module):
    """
    Nothing that was read is run: no eval and no pickle; only the codec compiler makes functions.
    """
    calls = {
        node.func.id
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    is_compiler = NAMES[module] == PACKAGE / COMPILER

    assert set() == (calls & NO_CALLS) - ({"exec", "compile"} if is_compiler else set())
    assert set() == {found.partition(".")[0] for found in imports(module)} & NO_IMPORTS


@modules
def test_modules_are_short(module):
    """
    A module holds one idea, on a few screens.
    """
    assert MAX_LINES >= len(NAMES[module].read_text(encoding="utf-8").splitlines())


@modules
def test_modules_begin_with_their_purpose(module):
    """
    A module says what it is for.
    """
    assert ast.get_docstring(TREES[module])


def is_public(name: str) -> bool:
    """Tell whether a name is public."""
    return not name.startswith("_")


def is_described(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a function has a docstring, or needs none: an overload, or one of an inherited docstring."""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    return bool(ast.get_docstring(node)) or bool(decorators & {"overload", "typing.overload"})


def undescribed(body: list[ast.stmt], inherited: bool = False) -> Iterator[str]:
    """Yield the public classes and functions without a docstring."""
    for node in body:
        if isinstance(node, ast.ClassDef) and is_public(node.name):
            if not ast.get_docstring(node):
                yield node.name
            # A method may have its docstring from a base class.
            yield from (f"{node.name}.{name}" for name in undescribed(node.body, bool(node.bases)))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node.name):
            yield from [] if inherited or is_described(node) else [node.name]


@modules
def test_public_functions_are_described(module):
    """
    Every public class and function says what it does.
    """
    assert [] == list(undescribed(TREES[module].body))


def declared_names(module: str) -> list[str] | None:
    """Return what ``__all__`` lists, or None where there is none."""
    for node in TREES[module].body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            value = node.value
            return [element.value for element in getattr(value, "elts", [])] or ["*"]
    return None


@modules
def test_all_is_honest(module):
    """
    Each module lists its public names, once each; all of them exist.
    """
    declared = declared_names(module)
    found = importlib.import_module(module)
    if declared is None:
        assert NAMES[module].name == "__init__.py"
        return
    listed = list(found.__all__)

    assert sorted(set(listed)) == sorted(listed)
    assert [] == [name for name in listed if not hasattr(found, name)]


@modules
def test_what_others_use_is_in_all(module):
    """
    A module takes from others only what they list; private names stay at home.
    """
    wrong = []
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom):
            source = resolved(module, node)
            if source in NAMES and part_of(source):
                listed = declared_names(source) or []
                wrong += [
                    f"{source}.{alias.name}"
                    for alias in node.names
                    if f"{source}.{alias.name}" not in NAMES and alias.name not in listed
                ]

    assert [] == wrong


#: What only some programs need, and what comes with it.
LATE = {
    *("boto3", "botocore", "cachetools", "pycurl", "sqlalchemy", "urllib3"),
    *("difflib", "hashlib", "logging", "queue", "random"),
    *("dynamo_objects.memorydb", "dynamo_objects.local"),
}


def test_importing_the_package_is_cheap():
    """
    ``import dynamo_objects`` imports what every program needs, and neither boto3 nor any engine behind it.
    """
    import subprocess

    program = "import sys, dynamo_objects; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True
    )
    found = set(shown.stdout.split())

    assert set() == LATE & found
    assert {"dynamo_objects.record", "dynamo_objects.table", "dynamo_objects.database"} <= found
