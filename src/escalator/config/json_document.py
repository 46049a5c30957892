"""JSON documents with errors that name file, line, path and what is allowed; large ones at the speed of the parser."""

from __future__ import annotations

from json import JSONDecoder
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from escalator.errors import DocumentError, NotFoundError

M = TypeVar("M", bound=BaseModel)

SHOWN = 20  # problems of one document; the same mistake stands in each of its rows, as a rule
_SPACE = " \t\r\n"
_value = JSONDecoder().raw_decode  # a value and where it ends


def load_json(kind: type[M], path: Path) -> M:
    """Read and check one document; raises DocumentError with the first problems, NotFoundError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        lines = Lines(text.decode("utf-8", errors="replace"))
        every = error.errors(include_url=False)
        problems = [_problem(str(path), lines, e) for e in every[:SHOWN]]
        if len(every) > SHOWN:
            problems.append(f"{path}: and {len(every) - SHOWN} more")
        raise DocumentError(
            f"{path} does not fit its schema",
            problems=tuple(problems),
            hint=f"schema: escalator schema {kind.__name__.lower().removesuffix('file')}",
        ) from None


def _problem(name: str, lines: Lines, error: Any) -> str:
    if error["type"] == "json_invalid":
        return f"{name}: is not JSON: {error['ctx']['error']}"
    location = tuple(error["loc"])
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        text = "unknown key"
    elif error["type"] in {"missing", "missing_argument"}:
        text = "is missing"
    else:
        given = repr(error.get("input"))
        text += f" (given: {given if len(given) <= 60 else given[:57] + '...'})"  # noqa: PLR2004 - keeps the line readable
    return f"{name}:{lines.of(location)}: {'.'.join(str(part) for part in location) or '(the document)'}: {text}"


class Lines:
    """Where a path of a JSON text stands. The text must be JSON."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, path: tuple[Any, ...]) -> int:
        """The line, from 1; of the nearest part of the path that is there."""
        at = self._behind_space(0)
        for part in path:
            found = self._member(at, part) if self._text[at] == "{" else self._item(at, part)
            if found is None:
                break
            at = found
        return self._text.count("\n", 0, at) + 1

    def _member(self, at: int, key: Any) -> int | None:
        """Where the value of ``key`` begins in the object that begins ``at``."""
        at = self._behind_space(at + 1)
        while self._text[at] == '"':
            name, at = _value(self._text, at)
            at = self._behind_space(self._behind_space(at) + 1)
            if name == key:
                return at
            at = self._next(at)
        return None

    def _item(self, at: int, index: Any) -> int | None:
        """Where the item of that index begins in the list that begins ``at``."""
        if self._text[at] != "[" or not isinstance(index, int):
            return None
        at = self._behind_space(at + 1)
        for _ in range(index):
            at = self._next(at)
        return at

    def _next(self, at: int) -> int:
        """Behind the value ``at``, and behind the comma if there is one."""
        at = self._behind_space(_value(self._text, at)[1])
        return self._behind_space(at + 1) if self._text[at] == "," else at

    def _behind_space(self, at: int) -> int:
        while at < len(self._text) and self._text[at] in _SPACE:
            at += 1
        return at
