"""The schema-risk scan: which expand migrations of a release would break the old servers that still run.

"Expand is additive" is policy, not fact: some expand scripts drop or rename columns that the old release's code still
maps, and every query of an old server then fails. The scripts are read (``ast``), never imported.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from escalator.catalogue.mapped import Mapped, mapped
from escalator.errors import InputError
from escalator.model.findings import Finding, Severity

#: Where each component keeps the migrations that run while old servers still serve: patterns on paths in its package.
_PLACES = {
    "neutron": r"(^|/)neutron/db/migration/alembic_migrations/versions/.*/expand/[^/]+\.py$",
    "keystone": r"(^|/)keystone/common/sql/migrations/versions/.*/expand/[^/]+\.py$",
    "glance": r"(^|/)glance/db/sqlalchemy/alembic_migrations/versions/[^/]*expand[^/]*\.py$",
    "nova": r"(^|/)nova/db/(main|api)/migrations/versions/[^/]+\.py$",
    "placement": r"(^|/)placement/db/sqlalchemy/alembic/versions/[^/]+\.py$",
}
_DESTRUCTIVE = {"drop_column": "drops the column", "drop_table": "drops the table", "rename_table": "renames the table"}
_CHARSET = re.compile(r"CONVERT\s+TO\s+CHARACTER\s+SET|DROP\s+COLUMN|RENAME\s+COLUMN|CHANGE\s+COLUMN", re.IGNORECASE)


@dataclass(frozen=True)
class Script:
    """One migration script. ``path`` is its place in the package."""

    path: str
    text: str


def scan(package: Path, component: str, since: Path | None = None) -> tuple[Finding, ...]:
    """The risks in a package's expand migrations, those that ``since`` (the older package) also holds left out.

    ``package`` is a folder, a wheel or zip, or a tar (.gz, .xz, .zst). Raises InputError where it can't be read or
    holds no migrations of the component.
    """
    if component not in _PLACES:
        raise InputError(f"unknown component '{component}'", hint=f"components: {', '.join(_PLACES)}")
    scripts = tuple(_scripts(package, _PLACES[component]))
    if not scripts:
        raise InputError(
            f"{package}: no migrations of {component} in it",
            hint=f"give the package or an unpacked tree of {component}",
        )
    old, models = _known(since, component) if since else (frozenset[str](), None)
    findings: list[Finding] = []
    for script in scripts:
        if PurePosixPath(script.path).name not in old:
            findings.extend(read_script(script, component, models))
    return tuple(findings)


def _known(package: Path, component: str) -> tuple[frozenset[str], Mapped]:
    """The older package's migrations, by file name, and what its code maps."""
    place = re.compile(_PLACES[component])
    everything = tuple(_scripts(package, rf"(^|/){component}/(?!tests/).*\.py$"))
    migrations = frozenset(PurePosixPath(s.path).name for s in everything if place.search(s.path))
    return migrations, mapped(s.text for s in everything if not place.search(s.path))


def read_script(script: Script, component: str, models: Mapped | None = None) -> tuple[Finding, ...]:
    """The risks of one script. Only what an upgrade runs is looked at: ``downgrade`` is left out.

    With ``models`` (what the old release's code maps), taking away what no old server reads is no risk.
    """
    try:
        tree = ast.parse(script.text)
    except SyntaxError as error:
        return (_finding(script, component, "", f"can't be read: {error}", Severity.WARNING),)
    revision = _revision(tree) or PurePosixPath(script.path).stem
    found: list[Finding] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and "downgrade" in node.name:
            continue
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            risk = _risk(call)
            if risk and not (models and _unused(call, models, _lists(tree))):
                found.append(_finding(script, component, revision, risk[0], risk[1]))
    return tuple(dict.fromkeys(found))


def _unused(call: ast.Call, models: Mapped, lists: frozenset[str]) -> bool:
    """Whether what the call takes away is mapped nowhere in the old release.

    A name that is not written in the call (a loop over a list of the module) may be any text of the module's lists.
    """
    name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
    words = [frozenset({str(a.value)}) if isinstance(a, ast.Constant) else lists for a in call.args]
    if name in {"drop_table", "rename_table"} and words:
        return bool(words[0]) and not models.uses_table(words[0])
    if name in {"drop_column", "alter_column"} and words:
        tables = words[0] if len(words) > 1 else frozenset[str]()
        return bool(words[-1]) and not models.uses_column(tables, words[-1])
    return False


def _lists(tree: ast.Module) -> frozenset[str]:
    """Texts that stand in assignments of the module: lists of names, and constants."""
    assigned = [n.value for n in tree.body if isinstance(n, ast.Assign)]
    constants = (c for value in assigned for c in ast.walk(value) if isinstance(c, ast.Constant))
    return frozenset(c.value for c in constants if isinstance(c.value, str))


def _risk(call: ast.Call) -> tuple[str, Severity] | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = [_text(a) for a in call.args]
    named = {k.arg: k.value for k in call.keywords}
    if name in _DESTRUCTIVE:
        return f"{_DESTRUCTIVE[name]} {'.'.join(w for w in words if w) or '(computed)'}", Severity.REFUSED
    if name == "add_column" and _needs_value(call):
        column = _text(call.args[-1].args[0]) if isinstance(call.args[-1], ast.Call) and call.args[-1].args else ""
        return (
            f"adds the column {column} NOT NULL without a server default: old servers fail to write",
            Severity.REFUSED,
        )
    if name == "alter_column":
        return _altered(words, named)
    if name == "execute":
        statements = [c.value for a in call.args for c in ast.walk(a) if isinstance(c, ast.Constant)]
        by_hand = [str(s) for s in statements if _CHARSET.search(str(s))]
        return (f"changes a table by hand: {by_hand[0][:80]}", Severity.WARNING) if by_hand else None
    return None


def _needs_value(call: ast.Call) -> bool:
    """Whether an added column must be written and the server gives it no value."""
    column = call.args[-1] if call.args else None
    named = {k.arg: k.value for k in column.keywords} if isinstance(column, ast.Call) else {}
    nullable = named.get("nullable")
    return isinstance(nullable, ast.Constant) and nullable.value is False and "server_default" not in named


def _altered(words: list[str], named: dict[str | None, ast.expr]) -> tuple[str, Severity] | None:
    column = ".".join(w for w in words if w) or "(computed)"
    if "new_column_name" in named or "name" in named:
        new = _text(named.get("new_column_name") or named["name"])
        return f"renames the column {column} to {new or '(computed)'}", Severity.REFUSED
    nullable = named.get("nullable")
    if isinstance(nullable, ast.Constant) and nullable.value is False:
        return f"makes the column {column} NOT NULL: old servers that leave it out fail to write", Severity.WARNING
    return None


def _text(node: ast.expr | None) -> str:
    """A constant's text, or the name of what stands there."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return node.id
    return ast.unparse(node) if isinstance(node, ast.JoinedStr | ast.Attribute | ast.BinOp) else ""


def _revision(tree: ast.Module) -> str:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Constant) and any(isinstance(t, ast.Name) and t.id == "revision" for t in targets):
            return str(value.value)
    return ""


def _finding(script: Script, component: str, revision: str, text: str, severity: Severity) -> Finding:
    return Finding(
        severity,
        "schema.expand-not-additive",
        f"{component}/{revision}",
        f"{text} ({PurePosixPath(script.path).name})",
        requirement="GR-4",
        hint=f"old servers may fail between expand and their switch; accept by name: schema.{revision}",
    )


def _scripts(package: Path, pattern: str) -> Iterator[Script]:
    try:
        yield from _members(package, re.compile(pattern))
    except (OSError, tarfile.TarError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise InputError(f"{package} can't be read: {error}") from None


def _members(package: Path, place: re.Pattern[str]) -> Iterator[Script]:
    if package.is_dir():
        for path in sorted(package.rglob("*.py")):
            if place.search(path.as_posix()):
                yield Script(path.relative_to(package).as_posix(), path.read_text(encoding="utf-8"))
    elif zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            for name in sorted(archive.namelist()):
                if place.search(name):
                    yield Script(name, archive.read(name).decode())
    elif package.name.endswith(".zst"):
        with (
            subprocess.Popen(["zstd", "-dcq", str(package)], stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=process.stdout, mode="r|") as archive,
        ):
            yield from _tar(archive, place)
    else:
        with tarfile.open(package, mode="r:*") as archive:
            yield from _tar(archive, place)


def _tar(archive: tarfile.TarFile, place: re.Pattern[str]) -> Iterator[Script]:
    for member in archive:
        if member.isfile() and place.search(member.name):
            data = archive.extractfile(member)
            if data is not None:
                yield Script(member.name, data.read().decode())
