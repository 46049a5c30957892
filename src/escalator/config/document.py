"""YAML documents with errors that name file, line, key and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from escalator.errors import DocumentError, NotFoundError

M = TypeVar("M", bound=BaseModel)


def load(kind: type[M], path: Path) -> M:
    """Read and check one document; raises :class:`DocumentError` with every problem found."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"{path}: there is no such file", hint="give its path, or see examples/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: cannot be read: {error}") from error
    return parse(kind, text, str(path))


def parse(kind: type[M], text: str, name: str) -> M:
    """Check the text of one document; ``name`` stands for its file in errors."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        what = getattr(error, "problem", None) or str(error)
        raise DocumentError(f"{name} is not YAML", problems=(f"{where}: {what}",)) from None
    lines = _lines(root)
    duplicates = _duplicates(root, name)
    if duplicates:
        raise DocumentError(f"{name} holds a key twice", problems=duplicates)
    if not isinstance(data, dict):
        raise DocumentError(f"{name} holds no mapping", problems=(f"{name}:1: expected 'key: value' lines",))
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = tuple(_problem(name, lines, e) for e in error.errors())
        raise DocumentError(
            f"{name} does not fit its schema",
            problems=problems,
            hint=f"schema: escalator schema {kind.__name__.lower()}",
        ) from None


def _problem(name: str, lines: dict[tuple[Any, ...], int], error: Any) -> str:
    location = tuple(error["loc"])
    known = location
    while known and known not in lines:
        known = known[:-1]
    key = ".".join(str(part) for part in location) or "(the document)"
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        allowed = error.get("ctx", {}).get("allowed", "")
        text = "unknown key" + (f"; allowed: {allowed}" if allowed else "")
    elif error["type"] == "missing":
        text = "is missing"
    else:
        given = repr(error.get("input"))
        text += f" (given: {given if len(given) <= 60 else given[:57] + '...'})"  # noqa: PLR2004 - keeps the line readable
    return f"{name}:{lines.get(known, 1)}: {key}: {text}"


def _lines(root: yaml.Node | None) -> dict[tuple[Any, ...], int]:
    """Line number (from 1) of every key path of the document."""
    found: dict[tuple[Any, ...], int] = {}

    def walk(node: yaml.Node | None, path: tuple[Any, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, key.value)
                found[here] = key.start_mark.line + 1
                walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                found[(*path, index)] = value.start_mark.line + 1
                walk(value, (*path, index))

    walk(root, ())
    return found


def _duplicates(root: yaml.Node | None, name: str) -> tuple[str, ...]:
    """YAML lets the last of two equal keys win silently; operators should not."""
    problems: list[str] = []

    def walk(node: yaml.Node | None) -> None:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    problems.append(f"{name}:{key.start_mark.line + 1}: {key.value}: stands here a second time")
                seen.add(key.value)
                walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                walk(value)

    walk(root)
    return tuple(problems)
