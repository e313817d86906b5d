"""Compares packages by meaning: objects by name, nodes and properties by their names, scripts as text.

Secrets are never shown: a sensitive value that differs is told as "changed". Packages are strangers': the cost of a
text diff is bounded, and what is printed has no control characters.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headrace.domain.secrets import cdm_secret, connection_secret
from headrace.packages.model import Key, Kind, PackageObject
from headrace.packages.secrets import is_true
from headrace.packages.text import Number, dump, objects_in, parse, printable

MOST_TEXT_LINES = 400
_MOST_WORK = 5_000_000  # steps of one text diff, at the worst about half a second
_CONTEXT = 3  # lines around a change
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
    """The members that differ, depth first. Nothing exactly when both have the same text form."""
    yield from _compare(_Place(), old, new)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: its path, the member that holds it, and whether it is a secret."""

    path: str = ""
    member: str = ""
    hidden: bool = False

    def inside(self, member: str, *holders: Any) -> _Place:
        """The place of a member of ``holders``, the objects here on both sides."""
        hidden = self.hidden or any(_is_secret(self.path, holder, member) for holder in holders)
        return _Place(f"{self.path}.{member}" if self.path else member, member, hidden)

    def item(self, name: str) -> _Place:
        """The place of an element of the list here."""
        return _Place(f"{self.path}[{name}]", "", self.hidden)


def _is_secret(path: str, holder: Any, member: str) -> bool:
    """Whether a member is one: a sensitive value of a property, variable or CDM input, or in a ``config``."""
    if member == "value" and isinstance(holder, dict):
        is_marked = is_true(holder.get("value_is_sensitive")) or is_true(holder.get("is_sensitive"))
        return is_marked or cdm_secret(str(holder.get("name", "")))
    return path.partition(".")[0].partition("[")[0] == "config" and connection_secret(member)


def _compare(place: _Place, old: Any, new: Any) -> Iterator[MemberChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for member in sorted({*old, *new}):
            inner = place.inside(member, old, new)
            yield from _compare(inner, old.get(member, _MISSING), new.get(member, _MISSING))
    elif (key := _NAMED.get(place.member)) and _named(key, old, new):
        yield from _compare_named(place, _by(key, old), _by(key, new))
    elif not _same(old, new):
        yield _changed(place, old, new)


def _compare_named(place: _Place, old: dict[str, Any], new: dict[str, Any]) -> Iterator[MemberChange]:
    for name in {**new, **old}:
        yield from _compare(place.item(name), old.get(name, _MISSING), new.get(name, _MISSING))
    if [name for name in old if name in new] != [name for name in new if name in old]:
        path = f"{place.path} (order)"
        yield MemberChange(what=What.CHANGED, path=path, old=dump([*old]).decode(), new=dump([*new]).decode())


def _same(old: Any, new: Any) -> bool:
    """Equal, and of the same kind: ``1`` is not ``"1"`` and not ``1.0``."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same(value, new[name]) for name, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def _named(key: str, *lists: Any) -> bool:
    """Whether these are lists in which every element has a name of its own."""
    for items in lists:
        names = [item.get(key) for item in objects_in(items)]
        if not isinstance(items, list) or not all(isinstance(name, str) for name in names):
            return False
        if not len(items) == len(names) == len(set(names)):
            return False
    return True


def _by(key: str, items: list[Any]) -> dict[str, Any]:
    return {item[key]: item for item in items}


def _changed(place: _Place, old: Any, new: Any) -> MemberChange:
    what = What.ADDED if old is _MISSING else What.REMOVED if new is _MISSING else What.CHANGED
    lines = () if place.hidden or not (_is_long(old) and _is_long(new)) else _line_diff(old, new)
    return MemberChange(what=what, path=place.path, old=_shown(place, old), new=_shown(place, new), lines=lines)


def _line_diff(old: str, new: str) -> tuple[str, ...]:
    """What differs between two texts, as a unified diff; only how much when it is too much to compare or to show."""
    olds, news = old.split("\n"), new.split("\n")
    start = max(0, _common(olds, news) - _CONTEXT)
    end = max(0, _common(olds[start:][::-1], news[start:][::-1]) - _CONTEXT)
    olds, news = olds[start : len(olds) - end], news[start : len(news) - end]
    if _work(olds, news) > _MOST_WORK:
        return (f"@@ {len(olds)} lines from line {start + 1} on became {len(news)} other lines @@",)
    lines = list(_hunks(olds, news, start))
    more = [f"@@ and {len(lines) - MOST_TEXT_LINES} more lines @@"] if len(lines) > MOST_TEXT_LINES else []
    return (*lines[:MOST_TEXT_LINES], *more)


def _common(olds: list[str], news: list[str]) -> int:
    """How many lines at the start are the same."""
    pairs = enumerate(zip(olds, news, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(olds), len(news)))


def _work(olds: list[str], news: list[str]) -> int:
    """An upper bound of the steps that difflib takes: every pair of equal lines, for every match it may find."""
    in_old, in_new = Counter(olds), Counter(news)
    pairs = sum(count * in_new[line] for line, count in in_old.items())
    return (pairs + len(olds)) * (min(len(olds), len(news)) + 1) // 2


def _hunks(olds: list[str], news: list[str], start: int) -> Iterator[str]:
    for group in difflib.SequenceMatcher(None, olds, news).get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        before, after = f"{start + first[1] + 1},{last[2] - first[1]}", f"{start + first[3] + 1},{last[4] - first[3]}"
        yield f"@@ -{before} +{after} @@"
        for what, old_from, old_to, new_from, new_to in group:
            if what == "equal":
                yield from (f" {line}" for line in olds[old_from:old_to])
                continue
            yield from (f"-{line}" for line in olds[old_from:old_to])
            yield from (f"+{line}" for line in news[new_from:new_to])


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number) and ("\n" in value or len(value) > 200)


def _shown(place: _Place, value: Any) -> str | None:
    if value is _MISSING:
        return None
    return _HIDDEN if place.hidden else dump(_without_secrets(place, value)).decode()


def _without_secrets(place: _Place, value: Any) -> Any:
    """The value with a mark in the place of every secret within."""
    if place.hidden:
        return _HIDDEN
    if isinstance(value, dict):
        return {member: _without_secrets(place.inside(member, value), item) for member, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(place.item(""), item) for item in value]
    return value


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
    return "\n".join(map(printable, lines))


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
