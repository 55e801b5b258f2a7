"""YAML text to plain values, by the rules that Collector configurations are written for.

Those are the YAML 1.2 core schema (`on`, `1:30` and `2026-01-02` are text, only `true`
is true) plus `<<` merges; a key that occurs twice is refused. Numbers with a leading
zero stay text, because readers of YAML disagree about them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from tollspan.errors import ConfigError


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own name and shape

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, built whole: an anchor that contains itself is an error instead of a loop."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag not in (_TEXT_TAG, _MERGE_TAG):
                raise _error("a key must be text; put this one in quotes", key)
            if key.value in seen:
                raise _error(f"the key {key.value!r} is written twice", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep=True)


_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE_TAG = "tag:yaml.org,2002:merge"
_SCHEMA = {
    "null": (r"|~|null|Null|NULL", ["", "~", "n", "N"]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}
for _name, (_pattern, _first) in _SCHEMA.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


def parse(text: str, source: str) -> Any:
    """The value of one YAML document; ConfigError at `source:line` when it is not one."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{source}:{mark.line + 1}" if mark else source
        raise ConfigError(place, getattr(error, "problem", None) or str(error).partition("\n")[0]) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(source, f"not a YAML document: {error}") from error


def find_line(text: str, keys: Sequence[str]) -> tuple[int, int]:
    """How many of `keys` lead somewhere in the document, and the line where the last of them is."""
    node = yaml.compose(text, Loader=_Loader)
    depth, line = 0, 1
    for key in keys:
        entry = _entry(node, key)
        if entry is None:
            break
        line, node = entry
        depth += 1
    return depth, line


def _entry(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value.strip() == key:
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
        item = node.value[int(key)]
        return item.start_mark.line + 1, item
    return None


def _error(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
