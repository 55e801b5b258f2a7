"""`include` and `exclude` blocks: which records a processor is for.

Every criterion that is named must hold: of `attributes` and `resources` all entries, of the other
lists any. A block whose criteria are not for a signal matches none of its records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec

from tollspan.collector.ottl.paths import ABOVE, FIELDS, SPAN_KINDS, ancestor
from tollspan.collector.ottl.values import searcher, text_of
from tollspan.errors import ConfigError
from tollspan.otlp._message import Message
from tollspan.otlp.signals import Signal

Matches = Callable[[Message], bool]

CRITERIA = {
    Signal.TRACES: ("services", "span_names", "span_kinds", "attributes", "resources", "libraries"),
    Signal.METRICS: ("metric_names", "resources"),
    Signal.LOGS: (
        "log_bodies",
        "log_severity_texts",
        "log_severity_number",
        "attributes",
        "resources",
        "libraries",
    ),
}
"""What a block may name for records of each signal."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that must be there, and if `value` is given must have it."""

    key: str
    value: Any = None


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """An instrumentation scope by name, and if `version` is given by that too."""

    name: str
    version: str | None = None


class SeverityNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Log records of at least this severity."""

    min: Annotated[int, msgspec.Meta(ge=1, le=24)]
    match_undefined: bool = False


class RegexpCache(msgspec.Struct, frozen=True, kw_only=True):
    """Accepted as the Collector has it; patterns are matched in linear time without a cache."""

    cacheenabled: bool = False
    cachemaxnumentries: int = 0


class MatchConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`include` or `exclude`."""

    match_type: Literal["strict", "regexp"]
    regexp: RegexpCache = RegexpCache()
    services: list[str] = []
    span_names: list[str] = []
    span_kinds: list[str] = []
    log_bodies: list[str] = []
    log_severity_texts: list[str] = []
    log_severity_number: SeverityNumber | None = None
    metric_names: list[str] = []
    attributes: list[Pair] = []
    resources: list[Pair] = []
    libraries: list[Library] = []

    def problems(self) -> Iterator[ConfigError]:
        """Patterns that are none, and a block that says nothing."""
        if not self.named():
            yield ConfigError("", "at least one criterion must be specified")
        if not any(self.named() <= set(names) for names in CRITERIA.values()):
            yield ConfigError("", "no signal has all of these criteria", "use one processor for each signal")
        if self.match_type == "regexp":
            for key, pattern in self._patterns():
                try:
                    searcher(pattern)
                except ValueError as error:
                    yield ConfigError(key, str(error))

    def as_match(self) -> MatchConfig:
        """The block itself."""
        return self

    def named(self) -> set[str]:
        """The criteria of the block."""
        every = set().union(*CRITERIA.values())
        return {name for name in every if getattr(self, name)}

    def _patterns(self) -> Iterator[tuple[str, str]]:
        for key in ("services", "span_names", "log_bodies", "log_severity_texts", "metric_names"):
            for row, pattern in enumerate(getattr(self, key)):
                yield f"{key}::{row}", pattern
        for key in ("attributes", "resources"):
            for row, pair in enumerate(getattr(self, key)):
                if isinstance(pair.value, str):
                    yield f"{key}::{row}::value", pair.value


class MetricMatchConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The filter's own form for metrics."""

    match_type: Literal["strict", "regexp"]
    metric_names: list[str] = []
    resource_attributes: list[Pair] = []

    def problems(self) -> Iterator[ConfigError]:
        """As of MatchConfig."""
        return self.as_match().problems()

    def as_match(self) -> MatchConfig:
        """The same under the names of MatchConfig."""
        return MatchConfig(
            match_type=self.match_type, metric_names=self.metric_names, resources=self.resource_attributes
        )


class LogMatchConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The filter's own form for log records."""

    match_type: Literal["strict", "regexp"]
    bodies: list[str] = []
    severity_texts: list[str] = []
    severity_number: SeverityNumber | None = None
    record_attributes: list[Pair] = []
    resource_attributes: list[Pair] = []

    def problems(self) -> Iterator[ConfigError]:
        """As of MatchConfig."""
        return self.as_match().problems()

    def as_match(self) -> MatchConfig:
        """The same under the names of MatchConfig."""
        return MatchConfig(
            match_type=self.match_type,
            log_bodies=self.bodies,
            log_severity_texts=self.severity_texts,
            log_severity_number=self.severity_number,
            attributes=self.record_attributes,
            resources=self.resource_attributes,
        )


def compile_match(config: MatchConfig, signal: Signal) -> Matches:
    """Whether a record (a span, metric or log record) matches."""
    if config.named() - set(CRITERIA[signal]):
        return lambda record: False
    criteria = list(_criteria(config, signal))
    return lambda record: all(criterion(record) for criterion in criteria)


def _criteria(config: MatchConfig, signal: Signal) -> Iterator[Matches]:
    context = {Signal.TRACES: "span", Signal.METRICS: "metric", Signal.LOGS: "log"}[signal]
    for key, of, path in (
        ("services", "resource", "attributes/service.name"),
        ("span_names", "span", "name"),
        ("metric_names", "metric", "name"),
        ("log_bodies", "log", "body"),
        ("log_severity_texts", "log", "severity_text"),
    ):
        wanted = getattr(config, key)
        if wanted:
            yield _any_text(_getter(context, of, path), [_text(config, entry) for entry in wanted])
    if config.span_kinds:
        kinds = frozenset(_kind(name) for name in config.span_kinds)
        kind = FIELDS["span"]["kind"].get
        yield lambda span: kind(span) in kinds
    if config.log_severity_number is not None:
        yield _severity(config.log_severity_number)
    for pair in config.attributes:
        yield _pair(config, _getter(context, context, f"attributes/{pair.key}"), pair)
    for pair in config.resources:
        yield _pair(config, _getter(context, "resource", f"attributes/{pair.key}"), pair)
    if config.libraries:
        yield _libraries(config, context)


def _getter(context: str, of: str, path: str) -> Callable[[Message], Any]:
    """What stands at a path of the context `of`, read from a message of `context`."""
    name, _, key = path.partition("/")
    accessor = FIELDS[of][name]
    if key:
        assert accessor.item is not None, "attributes have items"
        accessor = accessor.item(key)
    get = accessor.get
    climb = ancestor(ABOVE[context].get(of, 0))
    return get if of == context else lambda record: get(climb(record))


def _text(config: MatchConfig, wanted: str) -> Callable[[str], bool]:
    return wanted.__eq__ if config.match_type == "strict" else searcher(wanted)


def _any_text(get: Callable[[Message], Any], tests: Iterable[Callable[[str], bool]]) -> Matches:
    listed = list(tests)

    def matches(record: Message) -> bool:
        value = get(record)
        return value is not None and any(test(text_of(value)) for test in listed)

    return matches


def _pair(config: MatchConfig, get: Callable[[Message], Any], pair: Pair) -> Matches:
    wanted = pair.value
    if wanted is None:
        return lambda record: get(record) is not None
    if config.match_type == "regexp" and isinstance(wanted, str):
        return _any_text(get, [searcher(wanted)])
    kind = type(wanted)

    def matches(record: Message) -> bool:
        value = get(record)
        return type(value) is kind and value == wanted

    return matches


def _libraries(config: MatchConfig, context: str) -> Matches:
    name, version = _getter(context, "scope", "name"), _getter(context, "scope", "version")
    wanted = [
        (_text(config, library.name), None if library.version is None else _text(config, library.version))
        for library in config.libraries
    ]

    def matches(record: Message) -> bool:
        found, found_version = name(record), version(record)
        return any(
            is_name(found) and (is_version is None or is_version(found_version))
            for is_name, is_version in wanted
        )

    return matches


def _severity(config: SeverityNumber) -> Matches:
    number = FIELDS["log"]["severity_number"].get

    def matches(record: Message) -> bool:
        found: int = number(record)
        return found >= config.min if found else config.match_undefined

    return matches


def _kind(name: str) -> int:
    """`SPAN_KIND_SERVER` or `Server` as the number on the wire; -1 is no kind."""
    plain = name.upper().removeprefix("SPAN_KIND_")
    names = [kind.upper() for kind in SPAN_KINDS]
    return names.index(plain) if plain in names else -1
