"""Which tables and columns a release's code maps: what its running servers would miss if a migration took it away."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

ANY = ""  # the table of columns that stand in a mixin: they may be part of any table


@dataclass(frozen=True)
class Mapped:
    """Tables, each with its columns; :data:`ANY` holds the columns of mixins."""

    tables: dict[str, frozenset[str]]

    def uses_table(self, names: Iterable[str]) -> bool:
        """Whether one of these tables is mapped."""
        return any(name in self.tables for name in names)

    def uses_column(self, tables: Iterable[str], columns: Iterable[str]) -> bool:
        """Whether one of these columns is mapped in one of these tables; no tables = which one is not known."""
        places = [*(t for t in tables if t in self.tables), ANY] if list(tables) else list(self.tables)
        return any(column in self.tables.get(place, frozenset()) for place in places for column in columns)


def mapped(sources: Iterable[str]) -> Mapped:
    """What the models among these sources map. Sources are read, never imported; what can't be read maps nothing."""
    tables: dict[str, set[str]] = {ANY: set()}
    for text in sources:
        if "Column(" not in text and "__tablename__" not in text:
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                name, columns = _class(node)
                tables.setdefault(name, set()).update(columns)
    return Mapped({name: frozenset(columns) for name, columns in tables.items()})


def _class(node: ast.ClassDef) -> tuple[str, set[str]]:
    table, columns = ANY, set[str]()
    for statement in node.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name, value = statement.targets[0].id, statement.value
        if name == "__tablename__" and isinstance(value, ast.Constant):
            table = str(value.value)
        elif isinstance(value, ast.Call) and _is_column(value.func):
            first = value.args[0] if value.args else None
            own = isinstance(first, ast.Constant) and isinstance(first.value, str)
            columns.add(str(first.value) if own and isinstance(first, ast.Constant) else name)
    return table, columns


def _is_column(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"Column", "mapped_column"}
