"""OTTL in a configuration: lists of texts for one context each, compiled with every mistake reported.

A list is either of texts, each of which gets the context that its paths name, or of groups that
say their context and `error_mode` themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from tollspan.collector.ottl import syntax
from tollspan.collector.ottl.error_mode import ErrorMode
from tollspan.collector.ottl.inference import CONTEXTS, infer_context
from tollspan.collector.ottl.syntax import OTTLError
from tollspan.errors import ConfigError
from tollspan.otlp.signals import Signal

MIXED = (
    "configuring multiple configuration styles is not supported, "
    "please use only Basic configuration or only Advanced configuration"
)

T = TypeVar("T")


class ConditionGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions that belong together."""

    context: str = ""
    error_mode: ErrorMode | None = None
    conditions: list[str] = []


class StatementGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Statements that run where one of the conditions holds, or where there are none."""

    context: str = ""
    error_mode: ErrorMode | None = None
    conditions: list[str] = []
    statements: list[str] = []


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of one context, each at its place in the configuration.

    With `bare_paths`, the paths may leave out the name of the context.
    """

    context: str
    bare_paths: bool
    paths: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled(Generic[T]):
    """What was compiled, each beside its text, and what could not be."""

    pairs: tuple[tuple[str, T], ...]
    problems: tuple[ConfigError, ...]


def compile_texts(texts: Texts, compile_one: Callable[..., T]) -> Compiled[T]:
    """Every text by `compile_condition` or `compile_statement`."""
    pairs: list[tuple[str, T]] = []
    problems: list[ConfigError] = []
    for path, text in zip(texts.paths, texts.texts, strict=True):
        try:
            pairs.append((text, compile_one(text, texts.context, bare_paths=texts.bare_paths)))
        except OTTLError as error:
            problems.append(ConfigError(path, str(error)))
    return Compiled(tuple(pairs), tuple(problems))


def of_context(context: str, path: str, texts: Sequence[str]) -> Texts:
    """The list at `path`, whose context is given by its place."""
    return Texts(context, True, tuple(f"{path}::{row}" for row in range(len(texts))), tuple(texts))


def of_group(signal: Signal, path: str, texts: Sequence[str], context: str) -> Texts:
    """A group's list at `path`; the context is inferred from all of it where the group names none."""
    known = context in CONTEXTS[signal]
    inferred = context if known else infer_context(signal, _trees(texts))
    return Texts(inferred, known, tuple(f"{path}::{row}" for row in range(len(texts))), tuple(texts))


def of_list(signal: Signal, path: str, texts: Sequence[str]) -> list[Texts]:
    """A list of texts, whose context is inferred one by one; neighbours of one context stay together."""
    found: list[Texts] = []
    for row, text in enumerate(texts):
        context = infer_context(signal, _trees([text]))
        place = f"{path}::{row}"
        if found and found[-1].context == context:
            before = found.pop()
            found.append(Texts(context, False, (*before.paths, place), (*before.texts, text)))
        else:
            found.append(Texts(context, False, (place,), (text,)))
    return found


def _trees(texts: Sequence[str]) -> Iterator[syntax.Node | syntax.Statement]:
    """The trees of those that can be parsed; what is wrong with the others shows when they are compiled."""
    for text in texts:
        for parse in (syntax.parse_condition, syntax.parse_statement):
            try:
                yield parse(text)
            except OTTLError:
                continue
            break


def style_problems(
    path: str, listed: Sequence[str | ConditionGroup | StatementGroup]
) -> Iterator[ConfigError]:
    """A list that is of texts as well as of groups, and empty texts."""
    if len({isinstance(entry, str) for entry in listed}) > 1:
        yield ConfigError(path, MIXED)
    for row, entry in enumerate(listed):
        if isinstance(entry, str) and not entry.strip():
            yield ConfigError(f"{path}::{row}", "condition cannot be empty")


def context_problems(signal: Signal, path: str, context: str) -> Iterator[ConfigError]:
    """A context that the signal does not have."""
    if context not in ("", *CONTEXTS[signal]):
        known = ", ".join(CONTEXTS[signal])
        yield ConfigError(
            f"{path}::context", f"no context of {signal.value} is called {context!r}", f"known: {known}"
        )
