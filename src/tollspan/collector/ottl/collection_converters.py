"""The converters of OTTL that order lists and turn them and maps into something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tollspan.collector.ottl.values import EvaluationError, describe, text_of


def sort(target: list[Any], order: str = "asc") -> list[Any]:
    """Numbers by size, everything else by its text."""
    if order not in {"asc", "desc"}:
        raise EvaluationError(f"there is no order {order!r}; known: asc, desc")
    numbers = all(type(value) in (int, float) for value in target)
    return sorted(target, key=None if numbers else text_of, reverse=order == "desc")


def slice_to_map(
    target: list[Any], key_path: list[Any], value_path: list[Any] | None = None
) -> dict[str, Any]:
    """The maps of a list, or what `value_path` leads to in them, by the text that `key_path` leads to."""
    found = {}
    for item in target:
        key = _follow(item, key_path)
        if not isinstance(key, str):
            raise EvaluationError(f"a key is a text, not {describe(key)}")
        found[key] = item if value_path is None else _follow(item, value_path)
    return found


def _follow(value: Any, path: list[Any]) -> Any:
    for step in path:
        if not isinstance(value, dict) or step not in value:
            raise EvaluationError(f"there is no {step!r} in {describe(value)}")
        value = value[step]
    return value


def to_key_value_string(
    target: dict[str, Any], delimiter: str = "=", pair_delimiter: str = " ", sort_output: bool = False
) -> str:
    """`a=1 b="two words"`: what holds a delimiter is quoted."""
    if not delimiter or delimiter == pair_delimiter:
        raise EvaluationError("the two delimiters must differ")

    def written(value: Any) -> str:
        text = text_of(value)
        if delimiter in text or pair_delimiter in text or '"' in text:
            return '"' + text.replace('"', '\\"') + '"'
        return text

    items = sorted(target.items()) if sort_output else target.items()
    return pair_delimiter.join(f"{written(key)}{delimiter}{written(value)}" for key, value in items)


CONVERTERS: Mapping[str, Callable[..., Any]] = MappingProxyType({
    "SliceToMap": slice_to_map,
    "Sort": sort,
    "ToKeyValueString": to_key_value_string,
})  # fmt: skip
