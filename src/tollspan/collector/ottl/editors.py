"""The editors of OTTL: functions that change what a path leads to, named in `EDITORS`.

Each gets the message at hand, then its arguments; a parameter that is a Target is the place to
change. The other parameters are as in `converters`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tollspan.collector.ottl.accessors import Accessor
from tollspan.collector.ottl.values import EvaluationError, expect, regex, replacement, searcher, text_of
from tollspan.otlp._message import Message


class Target:
    """A path that an editor changes."""

    def __init__(self, accessor: Accessor) -> None:
        assert accessor.set is not None, "compilation has refused paths that are only read"
        self.get = accessor.get
        self.set = accessor.set
        self._keep = accessor.keep

    def get_map(self, message: Message) -> dict[str, Any] | None:
        """The map there; None when there is nothing."""
        value = self.get(message)
        return None if value is None else dict(expect(dict, value))

    def keep(self, message: Message, wanted: Callable[[str], bool]) -> None:
        """Only the keys that are wanted are left in the map."""
        if self._keep is not None:
            self._keep(message, wanted)
            return
        pairs = self.get_map(message)
        if pairs is not None:
            self.set(message, {key: value for key, value in pairs.items() if wanted(key)})

    def change_texts(self, message: Message, change: Callable[[str], str]) -> None:
        """Every string in the map is what `change` makes of it."""
        pairs = self.get_map(message) or {}
        changed = {key: change(value) if isinstance(value, str) else value for key, value in pairs.items()}
        if changed != pairs:
            self.set(message, changed)


def set_value(message: Message, target: Target, value: Any) -> None:
    if value is not None:
        target.set(message, value)


def delete_key(message: Message, target: Target, key: str) -> None:
    target.keep(message, lambda name: name != key)


def delete_matching_keys(message: Message, target: Target, pattern: str) -> None:
    matches = searcher(pattern)
    target.keep(message, lambda name: not matches(name))


def keep_keys(message: Message, target: Target, keys: list[Any]) -> None:
    target.keep(message, frozenset(keys).__contains__)


def keep_matching_keys(message: Message, target: Target, pattern: str) -> None:
    target.keep(message, searcher(pattern))


def limit(message: Message, target: Target, limit: int, priority_keys: list[Any]) -> None:
    names = list(target.get_map(message) or {})
    if len(names) > limit:
        first = [name for name in names if name in priority_keys]
        others = [name for name in names if name not in priority_keys]
        target.keep(message, frozenset((first + others)[:limit]).__contains__)


def truncate_all(message: Message, target: Target, limit: int) -> None:
    """To at most `limit` bytes, never through a character."""
    target.change_texts(message, lambda text: text.encode()[:limit].decode(errors="ignore"))


def replace_match(message: Message, target: Target, glob: str, replacement: str) -> None:
    value = target.get(message)
    if isinstance(value, str) and fnmatch.fnmatchcase(value, glob):
        target.set(message, replacement)


def replace_all_matches(message: Message, target: Target, glob: str, replacement: str) -> None:
    target.change_texts(message, lambda text: replacement if fnmatch.fnmatchcase(text, glob) else text)


def replace_pattern(message: Message, target: Target, regex_pattern: str, template: str) -> None:
    value = target.get(message)
    if isinstance(value, str):
        target.set(message, _substitute(regex_pattern, template, value))


def replace_all_patterns(
    message: Message, target: Target, mode: str, regex_pattern: str, template: str
) -> None:
    if mode == "value":
        target.change_texts(message, lambda text: _substitute(regex_pattern, template, text))
        return
    if mode != "key":
        raise EvaluationError("the mode is key or value")
    pairs = target.get_map(message)
    if pairs is not None:
        target.set(message, {_substitute(regex_pattern, template, k): v for k, v in pairs.items()})


def _substitute(pattern: str, template: str, text: str) -> str:
    try:
        substituted: str = regex(pattern).sub(replacement(template), text)
    except (IndexError, ValueError) as error:
        raise EvaluationError(f"cannot replace: {error}") from None
    return substituted


def merge_maps(message: Message, target: Target, source: dict[str, Any], strategy: str) -> None:
    merge = _MERGES.get(strategy)
    if merge is None:
        raise EvaluationError(f"the strategy is one of: {', '.join(_MERGES)}")
    target.set(message, merge(target.get_map(message) or {}, source))


_MERGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "insert": lambda old, new: new | old,
    "update": lambda old, new: old | {key: value for key, value in new.items() if key in old},
    "upsert": lambda old, new: old | new,
}


def append(message: Message, target: Target, value: Any = None, values: list[Any] | None = None) -> None:
    """A single value becomes a list with it in front."""
    found = target.get(message)
    before = found if isinstance(found, list) else [] if found is None else [found]
    target.set(message, [*before, *([] if value is None else [value]), *(values or [])])


def flatten(message: Message, target: Target, prefix: str = "", depth: int | None = None) -> None:
    pairs = target.get_map(message)
    if pairs is not None:
        start = f"{prefix}." if prefix else ""
        target.set(message, dict(_flat(pairs, start, -1 if depth is None else depth)))


def _flat(value: dict[str, Any], start: str, depth: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, item in value.items():
        name = f"{start}{key}"
        inner = dict(zip(map(str, range(len(item))), item, strict=True)) if isinstance(item, list) else item
        if isinstance(inner, dict) and depth != 0:
            found += _flat(inner, f"{name}.", depth - 1)
        else:
            found.append((name, item))
    return found


def stringify_all(message: Message, target: Target) -> None:
    pairs = target.get_map(message)
    if pairs is not None:
        target.set(message, {key: text_of(value) for key, value in pairs.items()})


EDITORS: Mapping[str, Callable[..., None]] = MappingProxyType({
    "append": append,
    "delete_key": delete_key,
    "delete_matching_keys": delete_matching_keys,
    "flatten": flatten,
    "keep_keys": keep_keys,
    "keep_matching_keys": keep_matching_keys,
    "limit": limit,
    "merge_maps": merge_maps,
    "replace_all_matches": replace_all_matches,
    "replace_all_patterns": replace_all_patterns,
    "replace_match": replace_match,
    "replace_pattern": replace_pattern,
    "set": set_value,
    "stringify_all": stringify_all,
    "truncate_all": truncate_all,
})  # fmt: skip
"""Every editor."""
