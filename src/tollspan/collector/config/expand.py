"""`${…}` references in configuration values.

| Written                  | Gives |
|--------------------------|-------|
| `${env:NAME}`, `${NAME}` | the environment variable; nothing, with a warning, when it is unset |
| `${env:NAME:-default}`   | the default when NAME is unset |
| `${file:PATH}`           | the file's text, without the line ends at its end |
| `${yaml:TEXT}`           | TEXT |
| `$$`                     | one dollar sign, so `$${NAME}` is the literal `${NAME}` |

References nest (`${env:${env:WHICH}}`). A value that is one reference and nothing else
may turn out to be a number, a list or a mapping: see Expanded. A list or mapping that
comes from a file may hold references of its own. Other fetched text is taken as it is,
so a password may contain dollar signs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from tollspan.collector.config import yaml_text
from tollspan.errors import ConfigError

INCLUDE_DEPTH_MAX = 20
"""How deep files may include files; more can only be a circle."""

_log = structlog.get_logger()

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.ASCII | re.DOTALL)
_PIECE = re.compile(r"\$\$|\$\{|\}|\$|[^$}]+")


class Expanded(str):
    """Text that came from a reference, and the `value` that YAML reads in it.

    A field that wants text takes the text as it is (`012`, a password that looks like a
    mapping); every other field takes the value.
    """

    value: Any

    def __new__(cls, text: str, value: Any) -> Expanded:
        self = super().__new__(cls, text)
        self.value = value
        return self


class Expansion:
    """One pass over a configuration; `problems` has, by path, what could not be resolved."""

    def __init__(self) -> None:
        self.problems: list[ConfigError] = []

    def expand(self, value: Any, path: str = "", depth: int = 0) -> Any:
        """`value` with the references in all its texts resolved; what could not be is None."""
        if isinstance(value, Mapping):
            return {key: self.expand(item, join(path, key), depth) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, join(path, str(row)), depth) for row, item in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        try:
            return self._expand_text(value, path, depth)
        except ValueError as error:
            self.problems.append(ConfigError(path, str(error)))
            return None

    def _expand_text(self, text: str, path: str, depth: int) -> str | None:
        parts = _resolve(iter(_PIECE.findall(text)))
        if len(parts) != 1:
            return "".join(part or "" for part in parts)
        (part,) = parts
        if not isinstance(part, Expanded) or not isinstance(part.value, (dict, list)):
            return part
        if depth == INCLUDE_DEPTH_MAX:
            raise ValueError(f"references lead more than {INCLUDE_DEPTH_MAX} levels deep")
        return Expanded(part, self.expand(part.value, path, depth + 1))


def join(path: str, key: str) -> str:
    """`key` under `path`, in the Collector's notation; either may be empty."""
    return "::".join(filter(None, (path, key)))


def read_file(path: str) -> str:
    """The text of a configuration file; ValueError says why it can't be had."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"cannot read the file {path!r}: {reason}") from error


def _resolve(pieces: Iterator[str], *, inside: bool = False) -> list[str | None]:
    """The parts of the text up to its end, or up to the brace that closes the reference it is `inside`."""
    parts: list[str | None] = []
    for piece in pieces:
        if piece == "${":
            inner = _resolve(pieces, inside=True)
            parts.append(_fetch("".join(part or "" for part in inner)))
        elif piece == "}" and inside:
            return parts
        else:
            parts.append("$" if piece == "$$" else piece)
    if inside:
        raise ValueError("a reference that starts with ${ has no closing brace (write $${ for a literal ${)")
    return parts


def _fetch(reference: str) -> Expanded | None:
    match = _SCHEME.fullmatch(reference)
    scheme, opaque = match.groups() if match else ("env", reference)
    if scheme not in _SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r} in a reference; known are {', '.join(_SCHEMES)}")
    text = _SCHEMES[scheme](opaque)
    return None if text is None else Expanded(text, _read_value(text))


def _fetch_env(opaque: str) -> str | None:
    name, has_default, default = opaque.partition(":-")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an environment variable")
    text = os.environ.get(name, default if has_default else None)
    if text is None:
        _log.warning("config_references_unset_variable", name=name)
    return text


_SCHEMES: dict[str, Callable[[str], str | None]] = {
    "env": _fetch_env,
    "file": lambda path: read_file(path).rstrip("\r\n"),
    "yaml": str,
}


def _read_value(text: str) -> Any:
    try:
        return yaml_text.parse(text, "")
    except ConfigError:
        return text  # it never was meant as YAML: a password, a pattern
