"""Configuration files and mappings, merged into one mapping."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tollspan.collector.config import yaml_text
from tollspan.collector.config.expand import Expansion, read_file
from tollspan.errors import ConfigError

Source = str | Mapping[str, Any]
"""The path of a YAML file, `file:PATH`, `env:NAME` or `yaml:TEXT`, or values that are at hand already."""

_URI = re.compile(r"(file|env|yaml):(.*)", re.ASCII | re.DOTALL)


def load(sources: Sequence[Source]) -> dict[str, Any]:
    """The sources merged in their order, references expanded.

    Mappings are merged key by key; every other value, lists and null included, is
    replaced by a later source. References are resolved after the merge, so a value that
    is overridden need not resolve (`expand` has the rules). Raises an ExceptionGroup of
    ConfigErrors with everything that is wrong: at `file:line` where a file isn't YAML,
    at the value's path where a reference does not resolve.
    """
    merged: dict[str, Any] = {}
    problems: list[ConfigError] = []
    for source in sources:
        try:
            merged = _merge(merged, _read(source))
        except ConfigError as error:
            problems.append(error)
    expansion = Expansion()
    expanded: dict[str, Any] = expansion.expand(merged)
    problems += expansion.problems
    if problems:
        raise ExceptionGroup("the configuration cannot be read", problems)
    return expanded


@contextlib.contextmanager
def loaded(sources: Sequence[Source]) -> Iterator[dict[str, Any]]:
    """What `load` gives; faults found inside name their place as `locating` says."""
    config = load(sources)
    with locating(sources):
        yield config


@contextlib.contextmanager
def locating(sources: Sequence[Source]) -> Iterator[None]:
    """ConfigErrors in a group that is raised inside also name the `file:line` they are about.

    `sources` are what `load` has read. An error about a setting that no file has is about
    its nearest enclosing section; the last file wins.
    """
    try:
        yield
    except ExceptionGroup as group:
        texts = {path: read_file(path) for path in _files(sources)}
        raise group.derive([_located(error, texts) for error in group.exceptions]) from None


def _located(error: Exception, texts: dict[str, str]) -> Exception:
    if not isinstance(error, ConfigError):
        return error
    keys = error.path.split("::")
    found = ((*yaml_text.find_line(text, keys), file) for file, text in reversed(texts.items()))
    depth, line, file = max(found, key=lambda place: place[0], default=(0, 0, ""))
    return ConfigError(f"{file}:{line}: {error.path}", error.problem, error.hint) if depth else error


def parse_setting(text: str) -> dict[str, Any]:
    """The mapping that `--set a.b.c=value` stands for; ValueError when it has no equal sign."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ValueError(f"{text!r} is not key=value: missing equal sign")
    setting: Any = yaml_text.parse(value, "--set")
    for key in reversed(path.replace("::", ".").split(".")):
        setting = {key: setting}
    return dict(setting)


def _files(sources: Sequence[Source]) -> list[str]:
    split = [_split(source) for source in sources if isinstance(source, str)]
    return [opaque for scheme, opaque in split if scheme == "file"]


def _read(source: Source) -> Mapping[str, Any]:
    if not isinstance(source, str):
        return source
    scheme, opaque = _split(source)
    name = opaque if scheme == "file" else source.partition("\n")[0]
    try:
        document = yaml_text.parse(_READERS[scheme](opaque), name)
    except ValueError as error:
        raise ConfigError(name, str(error)) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(name, "a configuration is a mapping of sections such as receivers and service")
    return document


def _split(source: str) -> tuple[str, str]:
    """The scheme and what it is to read; text without one is a path."""
    match = _URI.fullmatch(source)
    return (match[1], match[2]) if match else ("file", source)


def _read_variable(name: str) -> str:
    if name not in os.environ:
        raise ValueError(f"the environment variable {name} is not set")
    return os.environ[name]


_READERS: dict[str, Callable[[str], str]] = {"file": read_file, "env": _read_variable, "yaml": str}


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
        )
    return merged
