"""Takes secrets out of all three signals before they leave, by the name of an attribute and by its look.

Works in the exporter's thread, on what ends up in requests and spool. The pattern matches
each text in one pass, however it is made: no part of it can start within a run of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import DataPointT, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status

from tollspan.otlp.encoding import Encoded
from tollspan.otlp.signals import Signal
from tollspan.sdk.delivery import ItemType
from tollspan.sdk.spans import NUMBERS
from tollspan.sdk.unit_propagation import plain_dict

REDACTED = "[REDACTED]"

NAMES = re.compile(
    r"""(?ix) pass(?:word|wd|phrase|code) | secret | authorization | cookie | credentials?$
    | (?:api|access|private|signing|encryption)[-_.]?key
    | (?:access|refresh|id|auth|session|csrf|xsrf|bearer|api)[-_.]?token | (?:^|[-_.])token$"""
)
"""Attributes that are secret whatever their value."""

_WORD = r"(?<![A-Za-z0-9_-])"

TEXTS = re.compile(
    rf"""(?x)
    (?P<scheme> {_WORD} (?i:bearer|basic) [ ]{{1,4}} ) (?=\S*[0-9=]) [A-Za-z0-9._~+/=-]{{8,}}
    | (?P<pair> {_WORD} (?i: (?:[a-z]{{1,9}}[_-])?token | password | passwd | pwd | (?:client[_-])?secret
          | (?:x-)?api[_-]?key | sig | (?:x-(?:amz|goog)-)?(?:signature|credential|security-token) )
          ["']? \s{{0,3}} [=:] \s{{0,3}} ["']? ) (?!\[REDACTED) [^\s&;,"'}}]{{3,}}
    | (?P<user> ://[^\s/:@]{{0,99}} : ) [^\s/@]{{1,200}} (?=@)
    | {_WORD} (?: eyJ[\w-]{{8,}}\.[\w-]{{8,}}\.[\w-]*
        | (?:AKIA|ASIA)[0-9A-Z]{{16}} | gh[pousr]_\w{{20,}} | github_pat_\w{{20,}} | glpat-[\w-]{{16,}}
        | sk-[\w-]{{20,}} | [sr]k_(?:live|test)_\w{{16,}} | xox[abprs]-[\w-]{{10,}} | AIza[\w-]{{30,}} )
    | -----BEGIN[ ][A-Z ]{{0,30}}PRIVATE[ ]KEY-----[^-]*
    """
)
"""Tokens, keys, passwords in URLs, and whatever is assigned to a telling name."""

HINTS = (
    *("token", "passw", "pwd", "secret", "key", "sig", "credential", "bearer", "basic", "@", "eyj"),
    *("akia", "asia", "aiza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "glpat", "sk-"),
    *("k_live", "k_test", "xox", "-----begin"),
)
"""A text that has none of them in lower case does not match TEXTS, which is slower to find out."""

CACHED_CHARACTERS_MAX, CACHE_MAX = 500, 4096
DEPTH_MAX = 16


class Scrubber:
    """Replaces secrets by REDACTED, as its settings say; those may change while it works."""

    def __init__(self) -> None:
        self._on = True
        self._names = NAMES
        self._harmless_names: set[str] = set()
        self._clean_texts: set[str] = set()

    def use(self, on: bool, more_names: Collection[str]) -> None:
        """From now on secrets are taken out, or not; `more_names` are parts of names of secret attributes."""
        self._on = on
        self._names = re.compile("|".join([NAMES.pattern, *map(re.escape, more_names)]), re.IGNORECASE)
        self._harmless_names = set()

    def before(self, item_type: ItemType[Any]) -> ItemType[Any]:
        """`item_type`, whose items are scrubbed before they are encoded."""
        scrubs: Mapping[Signal, Callable[[Iterable[Any]], None]] = {
            Signal.TRACES: self.scrub_spans,
            Signal.METRICS: self.scrub_metrics,
            Signal.LOGS: self.scrub_logs,
        }
        scrub = scrubs[item_type.signal]

        def encode(items: Sequence[Any]) -> Encoded:
            if self._on:
                scrub(items)
            return item_type.encode(items)

        return replace(item_type, encode=encode)

    def scrub_spans(self, spans: Iterable[ReadableSpan]) -> None:
        """Attributes of the spans, their events and links, and what their status says, hold no secret."""
        for span in spans:
            self._scrub_attributes(span._attributes)  # noqa: SLF001 - a property would make a copy
            for parts in (span._events, span._links):  # noqa: SLF001
                for part in parts or ():
                    self._scrub_attributes(part.attributes)
            description = span._status.description  # noqa: SLF001
            if description and (clean := self._text(description)) is not description:
                span._status = Status(span._status.status_code, clean)  # noqa: SLF001

    def scrub_metrics(self, collections: Iterable[MetricsData]) -> None:
        """Attributes of the data points and their exemplars hold no secret.

        They are copied, as they are those of the aggregations and of the callers. Points that were told
        apart by secrets alone have the same attributes then.
        """
        for collected in collections:
            for resource in collected.resource_metrics:
                for instrumentation_scope in resource.scope_metrics:
                    for metric in instrumentation_scope.metrics:
                        points: Any = metric.data.data_points  # A list, made for this collection.
                        points[:] = map(self._point, points)

    def scrub_logs(self, records: Iterable[ReadableLogRecord]) -> None:
        """Bodies and attributes of the records hold no secret."""
        for record in records:
            self._scrub_attributes(record.log_record.attributes)
            record.log_record.body = self._value(record.log_record.body)

    def _point(self, point: DataPointT) -> DataPointT:
        exemplars = [
            replace(exemplar, filtered_attributes=self._value(exemplar.filtered_attributes))
            for exemplar in point.exemplars
        ]
        return replace(point, attributes=self._value(point.attributes), exemplars=exemplars)

    def _scrub_attributes(self, attributes: Any) -> None:
        held = plain_dict(attributes)
        for name, value in held.items():
            # Most names and values were seen before.
            if name in self._harmless_names:
                kind = type(value)
                if kind in NUMBERS or (kind is str and value in self._clean_texts):
                    continue
            clean = REDACTED if self._is_secret(name) else self._value(value)
            if clean is not value:
                held[name] = clean

    def _is_secret(self, name: str) -> bool:
        if name in self._harmless_names:
            return False
        if self._names.search(str(name)) is not None:
            return True
        _remember(name, self._harmless_names)
        return False

    def _value(self, value: Any, depth: int = 0) -> Any:
        """`value` itself if it holds no secret, else a copy without."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bool | int | float | bytes | None) or depth == DEPTH_MAX:
            return value
        if isinstance(value, Mapping):
            pairs = {
                name: REDACTED if self._is_secret(name) else self._value(part, depth + 1)
                for name, part in value.items()
            }
            return value if all(pairs[name] is part for name, part in value.items()) else pairs
        if isinstance(value, Sequence):
            parts = [self._value(part, depth + 1) for part in value]
            return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
        return value

    def _text(self, text: str) -> str:
        if text in self._clean_texts:
            return text
        if _may_hold_secret(text) and (clean := TEXTS.sub(_redact, text)) != text:
            return clean
        if len(text) <= CACHED_CHARACTERS_MAX:
            _remember(text, self._clean_texts)
        return text


def _may_hold_secret(text: str) -> bool:
    lower = text.lower()
    if lower.isalnum() and not lower.startswith(("akia", "asia", "aiza")):
        return False  # An id.
    for hint in HINTS:  # noqa: SIM110 - any() takes twice the time
        if hint in lower:
            return True
    return False


def _remember(text: str, known: set[str]) -> None:
    if len(known) >= CACHE_MAX:
        known.clear()
    known.add(text)


def _redact(match: re.Match[str]) -> str:
    """What names the secret stays."""
    return (match["scheme"] or match["pair"] or match["user"] or "") + REDACTED
