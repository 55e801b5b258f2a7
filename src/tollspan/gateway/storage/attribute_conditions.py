"""Conditions on attributes → SQL over the columns that the store spreads attributes over."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tollspan.gateway.storage.engine import Parameter
from tollspan.gateway.storage.item_columns import UNITS
from tollspan.gateway.storage.span_block import PROMOTED_INTS, PROMOTED_TEXTS

INT64_MIN, INT64_END = -(1 << 63), 1 << 63

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")

_PLACEHOLDERS = {
    "string": "{%s:String}",
    "int": "{%s:Int64}",
    # Its bits, for a number that is written as text is not read back exactly.
    "double": "reinterpretAsFloat64({%s:UInt64})",
    "bool": "{%s:Bool}",
}


@dataclass(frozen=True, slots=True)
class AttributeCondition:
    """There is an attribute `key` whose value is the text `value`, or what that text stands for.

    A number (RFC 8259 §6) stands for the int or double that equals it, `true` and `false` for a
    bool. Arrays, maps, bytes and attributes without a value meet no condition.
    """

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Where:
    """What is asked of a row: a boolean expression, and the values of its parameters."""

    sql: str = "true"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


EVERY = Where()


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that a key's values leave the map for, and the other keys whose values it takes."""

    name: str
    others: tuple[str, ...]


Promoted: TypeAlias = Mapping[tuple[str, str], _Column]
"""Columns by the key, and the type of value, that are there alone (see Attributes.promote)."""


def _promoted(texts: Mapping[str, tuple[str, ...]], ints: Mapping[str, tuple[str, ...]]) -> Promoted:
    return {
        (keys[0], value_type): _Column(name, keys[1:])
        for value_type, columns in (("string", texts), ("int", ints))
        for name, keys in columns.items()
    }


OF_SPANS = _promoted(PROMOTED_TEXTS, PROMOTED_INTS)
OF_OTHER_ITEMS = _promoted(UNITS, {})
OF_RESOURCES = _promoted({}, {})


def where(conditions: Sequence[AttributeCondition], promoted: Promoted) -> Where:
    """What is asked of a row whose attributes meet all of the conditions.

    Alternatives are answered by the indexes of several columns together only in a statement of
    at most 32 terms (`use_skip_indexes_for_disjunctions`). So all that is asked of the row itself
    is one term, and the indexes are asked about one condition with alternatives.
    """
    if not conditions:
        return EVERY
    parameters: dict[str, Parameter] = {}
    tests = [
        list(_tests(f"attribute_{number}", condition, promoted, parameters))
        for number, condition in enumerate(conditions)
    ]
    one_type = [own for own in tests if len(own) == 1]
    several_types = [own for own in tests if len(own) > 1]
    in_granule = [
        _any_of(f"indexHint({test.in_granule})" for test in own) for own in one_type + several_types[:1]
    ]
    in_row = [_any_of(test.in_row for test in own) for own in tests]
    return Where(f"{' AND '.join(in_granule)} AND if({' AND '.join(in_row)}, 1, 0)", parameters)


def all_of(first: Where, second: Where) -> Where:
    """Both together."""
    return Where(f"{first.sql} AND {second.sql}", {**first.parameters, **second.parameters})


@dataclass(frozen=True, slots=True)
class _Test:
    """Whether a granule can hold such a row, as an index answers it, and whether a row is one."""

    in_granule: str
    in_row: str


def _any_of(alternatives: Iterable[str]) -> str:
    return f"({' OR '.join(alternatives)})"


def _tests(
    prefix: str, condition: AttributeCondition, promoted: Promoted, parameters: dict[str, Parameter]
) -> Iterator[_Test]:
    """A test for each type of value; what they need is put into `parameters`, under names with `prefix`."""
    parameters[f"{prefix}_key"] = condition.key
    key = _PLACEHOLDERS["string"] % f"{prefix}_key"
    for value_type, value in _meanings(condition.value):
        name = f"{prefix}_{value_type}"
        parameters[name] = value
        asked = _PLACEHOLDERS[value_type] % name
        column = promoted.get((condition.key, value_type))
        if column and value not in ("", 0):
            parameters[f"{prefix}_others"] = column.others
            others = f"{{{prefix}_others:Array(String)}}"
            yield _in_column(column, f"attributes_{value_type}", key, asked, others)
        else:
            yield _in_map(f"attributes_{value_type}", key, asked)


def _meanings(text: str) -> Iterator[tuple[str, Parameter]]:
    """What the text may stand for: types of values, and the value as a parameter."""
    yield "string", text
    if text in {"true", "false"}:
        yield "bool", text
    if not _NUMBER.fullmatch(text):
        return
    # To add 0 makes one zero of the two, as the index does.
    number = float(text) + 0
    if not math.isfinite(number):
        return
    yield "double", int.from_bytes(struct.pack("<d", number), "little")
    whole = int(text) if _WHOLE_NUMBER.fullmatch(text) else number
    if whole == int(whole) and INT64_MIN <= whole < INT64_END:
        yield "int", int(whole)


def _in_map(attributes: str, key: str, asked: str) -> _Test:
    """The key has the value in that map; the pair is indexed as its hash (migrations 0009 and 0010)."""
    value = "value + 0" if attributes == "attributes_double" else "value"
    pairs = (
        f"arrayMap((key, value) -> cityHash64(key, {value}), mapKeys({attributes}), mapValues({attributes}))"
    )
    return _Test(
        f"has({pairs}, cityHash64({key}, {asked}))",
        f"mapContains({attributes}, {key}) AND {attributes}[{key}] = {asked}",
    )


def _in_column(column: _Column, attributes: str, key: str, asked: str, others: str) -> _Test:
    """The column has the value, and has it from that key.

    It has it from another one when that is in the map, unless the key itself is there as well.
    """
    has_value = f"{column.name} = {asked}"
    if not column.others:
        return _Test(has_value, has_value)
    from_key = f"{attributes}[{key}] = {asked} OR NOT hasAny(mapKeys({attributes}), {others})"
    return _Test(has_value, f"{has_value} AND ({from_key})")
