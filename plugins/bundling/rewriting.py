"""Moves the imports of a source file into a private package.

Only the text of import statements and of module names is changed: lines keep their numbers.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

# Functions that are given the name of a module as a literal, and which argument that is. The last
# two are of protobuf's generated code and put it into `__module__` of the message classes.
_MODULE_ARGUMENT = {
    "import_module": 0,
    "__import__": 0,
    "_CanImport": 0,
    "BuildTopDescriptorsAndMessages": 1,
    "BuildServices": 1,
}
# `import a.b as c` is the one statement that imports a module without binding a package's name.
_UNUSED_NAME = "_pastiche_unused"


@dataclass(frozen=True)
class _Edit:
    """Replace what the node says by `text`."""

    node: ast.stmt | ast.expr
    text: str


def rewrite_imports(source: str, names: Collection[str], package: str) -> str:
    """The source with the absolute imports of top-level `names` made imports of `package`.

    `import a.b` becomes two statements in one line, which bind the name `a` as before.

    Raises:
        SyntaxError: it is no Python.
    """
    encoded = source.encode("utf-8")  # `col_offset` counts bytes
    lengths = (len(line) for line in encoded.splitlines(keepends=True))
    starts = [0, *itertools.accumulate(lengths)]
    edits = list(_edits(ast.parse(encoded), source, names, package))
    for edit in sorted(edits, key=_position, reverse=True):
        node = edit.node
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        encoded = encoded[:start] + edit.text.encode("utf-8") + encoded[end:]
    return encoded.decode("utf-8")


def imported_modules(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """The names, in full, that a module imports when it runs; attributes of modules among them.

    What stands under `if TYPE_CHECKING` is left out.

    Args:
        source: the module's source.
        module: its full name, for relative imports.
        is_package: whether it is a package's `__init__`.
    """
    parents = module.split(".") if is_package else module.split(".")[:-1]
    for node in _running_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            yield whole
            yield from (f"{whole}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            literal = _module_literal(node)
            if literal is not None:
                yield literal.value


def _position(edit: _Edit) -> tuple[int, int]:
    return edit.node.lineno, edit.node.col_offset


def _edits(tree: ast.AST, source: str, names: Collection[str], package: str) -> Iterator[_Edit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            if any(_is_within(alias.name, names) for alias in node.names):
                yield _Edit(node, "; ".join(_import_statements(node.names, names, package)))
        elif isinstance(node, ast.ImportFrom):
            if not node.level and node.module and _is_within(node.module, names):
                segment = ast.get_source_segment(source, node)
                assert segment is not None
                _, found, rest = segment.partition(node.module)
                assert found
                yield _Edit(node, f"from {package}.{node.module}{rest}")
        elif isinstance(node, ast.Call):
            literal = _module_literal(node)
            if literal is not None and _is_within(literal.value, names):
                yield _Edit(literal.node, repr(f"{package}.{literal.value}"))


def _import_statements(
    aliases: Sequence[ast.alias], names: Collection[str], package: str
) -> Iterator[str]:
    for alias in aliases:
        renamed = f" as {alias.asname}" if alias.asname else ""
        if not _is_within(alias.name, names):
            yield f"import {alias.name}{renamed}"
        elif renamed:
            yield f"import {package}.{alias.name}{renamed}"
        else:
            top, dot, _ = alias.name.partition(".")
            if dot:
                yield f"import {package}.{alias.name} as {_UNUSED_NAME}"
            yield f"from {package} import {top}"


@dataclass(frozen=True)
class _Literal:
    node: ast.Constant
    value: str


def _module_literal(call: ast.Call) -> _Literal | None:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    called = call.func.id if isinstance(call.func, ast.Name) else called
    position = _MODULE_ARGUMENT.get(called)
    if position is None or len(call.args) <= position:
        return None
    node = call.args[position]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _Literal(node, node.value)
    return None


def _running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, but for what only type checkers look at."""
    yield node
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        children = node.orelse
    for child in children:
        yield from _running_nodes(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else ""
    return (test.id if isinstance(test, ast.Name) else name) == "TYPE_CHECKING"


def _is_within(module: str, names: Collection[str]) -> bool:
    return module.partition(".")[0] in names
