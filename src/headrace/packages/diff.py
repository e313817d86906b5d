"""Compares packages by meaning: objects by name, nodes and properties by their names, scripts as text.

Secrets are never shown: a sensitive value that differs is told as "changed".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headrace.domain.secrets import cdm_secret, connection_secret
from headrace.packages.model import Key, Kind, PackageObject
from headrace.packages.secrets import is_true
from headrace.packages.text import Number, dump, parse

MOST_TEXT_LINES = 400
_HIDDEN = "(secret)"
# Lists whose elements are told apart by a member, not by their place.
_NAMED = {"nodes": "name", "properties": "name", "params": "name", "conditions": "preNodeName", "inputs": "name"}
_NAMED |= {"configs": "name", "jobs": "name", "links": "name", "sameWorkSpaceJobs": "jobName"}
_MISSING = object()


class What(StrEnum):
    """What happened to an object or a member."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberChange:
    """A member: its path (``nodes[load].properties[scriptName].value``) and its values as JSON text.

    A value is None where the member is absent. ``lines``: a unified diff where both values are longer texts.
    """

    what: What
    path: str
    old: str | None = None
    new: str | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An object that differs; ``members`` for one that is in both."""

    what: What
    kind: Kind
    name: str
    cluster: str = ""
    members: tuple[MemberChange, ...] = ()

    @property
    def label(self) -> str:
        """``job 'load'``."""
        where = f" of cluster {self.cluster!r}" if self.cluster else ""
        return f"{self.kind.label} {self.name!r}{where}"


def diff_packages(before: Iterable[PackageObject], after: Iterable[PackageObject]) -> list[Change]:
    """What differs, kind by kind and by name. Two packages of equal digest give an empty list."""
    old: dict[Key, PackageObject] = {item.key: item for item in before}
    new: dict[Key, PackageObject] = {item.key: item for item in after}
    changes = []
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if one is None and other is not None:
            changes.append(_change(What.ADDED, other))
        elif one is not None and other is None:
            changes.append(_change(What.REMOVED, one))
        elif one is not None and other is not None and one.text != other.text:
            changes.append(_change(What.CHANGED, other, tuple(diff_documents(parse(one.text), parse(other.text)))))
    return changes


def _change(what: What, item: PackageObject, members: tuple[MemberChange, ...] = ()) -> Change:
    return Change(what=what, kind=item.kind, name=item.name, cluster=item.cluster, members=members)


def diff_documents(old: Any, new: Any) -> Iterator[MemberChange]:
    """The members that differ, depth first."""
    yield from _compare("", "", old, new, hidden=False)


def _compare(path: str, name: str, old: Any, new: Any, *, hidden: bool) -> Iterator[MemberChange]:
    if _same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_members(path, old, new, hidden=hidden)
    elif isinstance(old, list) and isinstance(new, list) and (key := _NAMED.get(name)) and _named(key, old, new):
        order = [*_by(key, new), *(one for one in _by(key, old) if one not in _by(key, new))]
        olds, news = _by(key, old), _by(key, new)
        for one in order:
            yield from _compare(f"{path}[{one}]", "", olds.get(one, _MISSING), news.get(one, _MISSING), hidden=hidden)
        if [n for n in olds if n in news] != [n for n in news if n in olds]:
            yield MemberChange(what=What.CHANGED, path=f"{path} (order)", old=" ".join(olds), new=" ".join(news))
    else:
        yield _changed(path, old, new, hidden=hidden)


def _compare_members(path: str, old: dict[str, Any], new: dict[str, Any], *, hidden: bool) -> Iterator[MemberChange]:
    secret = is_true(old.get("value_is_sensitive")) or is_true(new.get("value_is_sensitive"))
    secret = secret or is_true(old.get("is_sensitive")) or is_true(new.get("is_sensitive"))
    for member in sorted({*old, *new}):
        inner = f"{path}.{member}" if path else member
        within = (secret or cdm_secret(str(new.get("name", "")))) and member == "value"
        yield from _compare(
            inner,
            member,
            old.get(member, _MISSING),
            new.get(member, _MISSING),
            hidden=hidden or within or (path == "config" and connection_secret(member)),
        )


def _same(old: Any, new: Any) -> bool:
    """Equal, and of the same kind: ``1`` is not ``"1"`` and not ``1.0``."""
    return type(old) is type(new) and old == new and (not isinstance(old, dict | list) or dump(old) == dump(new))


def _named(key: str, *lists: list[Any]) -> bool:
    for items in lists:
        names = [item.get(key) for item in items if isinstance(item, dict)]
        if len(names) != len(items) or len(set(map(str, names))) != len(items) or None in names:
            return False
    return True


def _by(key: str, items: list[Any]) -> dict[str, Any]:
    return {str(item[key]): item for item in items}


def _changed(path: str, old: Any, new: Any, *, hidden: bool) -> MemberChange:
    what = What.ADDED if old is _MISSING else What.REMOVED if new is _MISSING else What.CHANGED
    if hidden:
        return MemberChange(what=what, path=path, old=_HIDDEN, new=_HIDDEN)
    lines: tuple[str, ...] = ()
    if _is_long(old) and _is_long(new):
        diff = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3)
        lines = tuple(line for number, line in enumerate(diff) if 2 <= number < MOST_TEXT_LINES)
    return MemberChange(what=what, path=path, old=_shown(old), new=_shown(new), lines=lines)


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number) and ("\n" in value or len(value) > 200)


def _shown(value: Any) -> str | None:
    return None if value is _MISSING else dump(value).decode()


def render_text(changes: Sequence[Change]) -> str:
    """The changes as text for a person, ``+`` added, ``-`` removed, ``~`` changed."""
    signs = {What.ADDED: "+", What.REMOVED: "-", What.CHANGED: "~"}
    lines = []
    for change in changes:
        lines.append(f"{signs[change.what]} {change.label}")
        for member in change.members:
            lines.append(f"    {signs[member.what]} {member.path}")
            if member.lines:
                lines += [f"        {line}" for line in member.lines]
            else:
                lines += [f"        - {_short(member.old)}"] if member.old is not None else []
                lines += [f"        + {_short(member.new)}"] if member.new is not None else []
    return "\n".join(lines)


def render_json(changes: Sequence[Mapping[str, Any]]) -> str:
    """What ``to_json`` made, as text for a person."""
    return render_text([_from_json(change) for change in changes])


def _from_json(change: Mapping[str, Any]) -> Change:
    members = tuple(
        MemberChange(
            what=What(member["what"]),
            path=member["path"],
            old=member.get("old"),
            new=member.get("new"),
            lines=tuple(member.get("diff", ())),
        )
        for member in change["members"]
    )
    kind = next(kind for kind in Kind if kind.label == change["kind"])
    what = What(change["what"])
    return Change(what=what, kind=kind, name=change["name"], cluster=change.get("cluster", ""), members=members)


def _short(value: str) -> str:
    one_line = " ".join(value.split())
    return one_line if len(one_line) <= 160 else f"{one_line[:157]}…"


def to_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The changes for a program."""
    return [
        {
            "what": change.what.value,
            "kind": change.kind.label,
            "name": change.name,
            **({"cluster": change.cluster} if change.cluster else {}),
            "members": [_member_json(member) for member in change.members],
        }
        for change in changes
    ]


def _member_json(member: MemberChange) -> dict[str, Any]:
    shown: dict[str, Any] = {"what": member.what.value, "path": member.path}
    if member.lines:
        return {**shown, "diff": list(member.lines)}
    return {**shown, "old": member.old, "new": member.new}
