"""Keeps a share of spans or log records, the same ones wherever the same rule is applied.

    processors:
      probabilistic_sampler:
        mode: proportional
        sampling_percentage: 15

Spans are chosen by their trace id, so traces stay whole. `hash_seed` hashes it, `proportional`
keeps that share of what arrives, and `equalizing` takes into account how much was sampled
before. What was decided by stands in the tracestate of spans, and in the attributes
`sampling.threshold` and `sampling.randomness` of log records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
import structlog

from tollspan.collector import sampling
from tollspan.collector.component import Consumer, Factory, Kind
from tollspan.collector.events import LOG_INTERVAL_S
from tollspan.collector.ottl.values import text_of
from tollspan.collector.rewriter import Rewriter, same_for_all
from tollspan.collector.sampling import ALWAYS, NEVER, TraceState, read_trace_state
from tollspan.errors import ConfigError
from tollspan.otlp._message import Message, build_value
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.request_walk import Visitors
from tollspan.otlp.signals import Signal

TRACE_ID, TRACE_STATE, SPAN_ATTRIBUTES = 1 << 3 | 2, 3 << 3 | 2, 9 << 3 | 2
LOG_ATTRIBUTES, LOG_TRACE_ID = 6 << 3 | 2, 9 << 3 | 2
THRESHOLD, RANDOMNESS = b"sampling.threshold", b"sampling.randomness"

_log = structlog.get_logger()


class ProbabilisticSamplerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::probabilistic_sampler`; the last three are for log records."""

    mode: Literal["", "hash_seed", "proportional", "equalizing"] = ""
    sampling_percentage: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    hash_seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] = 0
    fail_closed: bool = True
    sampling_precision: Annotated[int, msgspec.Meta(ge=1, le=14)] = 4
    attribute_source: Literal["traceID", "record"] = "traceID"
    from_attribute: str = ""
    sampling_priority: str = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if 0 < self.sampling_percentage < 100 * sampling.PROBABILITY_MIN:
            yield ConfigError("sampling_percentage", "sampling rate is too small")
        if self.attribute_source == "record" and not self.from_attribute:
            yield ConfigError("from_attribute", "is required when attribute_source is record")


class _Sampler:
    """Decides by randomness and by what was decided before."""

    def __init__(self, config: ProbabilisticSamplerConfig) -> None:
        self.by_hash = config.mode in ("", "hash_seed")
        self.seed = config.hash_seed
        self._config = config
        self._ratio = sampling.ratio_of(config.sampling_percentage)
        if self.by_hash:
            self._threshold = sampling.hash_threshold(config.sampling_percentage)
        else:
            self._threshold = sampling.threshold_of(self._ratio, config.sampling_precision)
        self._logged_s = -LOG_INTERVAL_S

    def threshold(self, arriving: int | None) -> int:
        """What randomness must not be below, for a record that was sampled by `arriving`."""
        if self._config.mode != "proportional" or not arriving:
            return self._threshold
        product = sampling.probability_of(arriving) * self._ratio
        return sampling.threshold_of(product, self._config.sampling_precision)

    def problem(self, arriving: TraceState, randomness: int | None) -> str:
        """Why what the record carries cannot be right; empty when nothing is wrong."""
        if randomness is None:
            return "missing randomness"
        if self.by_hash and (arriving.randomness is not None or arriving.threshold is not None):
            return "sampling randomness or threshold in use, equalizing or proportional mode recommended"
        if arriving.threshold is not None and randomness < arriving.threshold:
            return "inconsistent arriving threshold: the record should not have been sampled"
        return ""

    def failed(self, problem: str) -> int:
        """The threshold where there is a problem: `fail_closed` keeps nothing."""
        now_s = time.monotonic()
        if now_s - self._logged_s >= LOG_INTERVAL_S:
            self._logged_s = now_s
            _log.warning("sampling_failed", problem=problem, fail_closed=self._config.fail_closed)
        return NEVER if self._config.fail_closed else ALWAYS


def _span_visit(sampler: _Sampler) -> Callable[[Message], bool]:
    def visit(span: Message) -> bool:
        priority = _number(span.attribute(SPAN_ATTRIBUTES, b"sampling.priority"))
        if priority == 0:
            return False
        trace_id = span.raw(TRACE_ID) or b""
        try:
            state = read_trace_state(span.text(TRACE_STATE))
        except ValueError as error:
            return priority is not None or sampler.failed(str(error)) == ALWAYS
        randomness = _span_randomness(sampler, state, trace_id)
        problem = sampler.problem(state, randomness)
        if problem:
            return priority is not None or sampler.failed(problem) == ALWAYS
        assert randomness is not None, "missing randomness is a problem"
        threshold = ALWAYS if priority is not None else sampler.threshold(state.threshold)
        if randomness < threshold:
            return False
        state.threshold = max(threshold, state.threshold or ALWAYS)
        if sampler.by_hash:
            state.randomness = randomness
        span.replace(TRACE_STATE, field_bytes(3, str(state).encode()))
        return True

    return visit


def _span_randomness(sampler: _Sampler, state: TraceState, trace_id: bytes) -> int | None:
    if not any(trace_id):
        return state.randomness
    if sampler.by_hash:
        return sampling.hash_randomness(trace_id, sampler.seed)
    return sampling.trace_randomness(trace_id) if state.randomness is None else state.randomness


def _number(value: Any) -> float | None:
    """A priority of zero or more, also from text; None means that none was given."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _log_visit(sampler: _Sampler, config: ProbabilisticSamplerConfig) -> Callable[[Message], bool]:
    priority_key = config.sampling_priority.encode()

    def visit(record: Message) -> bool:
        priority = _number(record.attribute(LOG_ATTRIBUTES, priority_key)) if priority_key else None
        if priority == 0:
            return False
        wanted = NEVER
        if priority is not None:
            wanted = sampling.threshold_of(priority / 100, config.sampling_precision)
        try:
            state = _read_log_state(record)
        except ValueError as error:
            return sampler.failed(str(error)) == ALWAYS or wanted == ALWAYS
        randomness = _log_randomness(sampler, config, state, record)
        problem = sampler.problem(state, randomness)
        if problem:
            return sampler.failed(problem) == ALWAYS or (randomness or 0) >= wanted
        assert randomness is not None, "missing randomness is a problem"
        threshold = min(wanted, sampler.threshold(state.threshold))
        if randomness < threshold:
            return False
        threshold = max(threshold, state.threshold or ALWAYS)
        _set_text(record, THRESHOLD, sampling.threshold_text(threshold))
        if sampler.by_hash:
            _set_text(record, RANDOMNESS, sampling.randomness_text(randomness))
        return True

    return visit


def _read_log_state(record: Message) -> TraceState:
    threshold = record.attribute(LOG_ATTRIBUTES, THRESHOLD)
    randomness = record.attribute(LOG_ATTRIBUTES, RANDOMNESS)
    return TraceState(
        sampling.read_threshold(threshold) if isinstance(threshold, str) and threshold else None,
        sampling.read_randomness(randomness) if isinstance(randomness, str) and randomness else None,
        [],
        [],
    )


def _log_randomness(
    sampler: _Sampler, config: ProbabilisticSamplerConfig, state: TraceState, record: Message
) -> int | None:
    trace_id = record.raw(LOG_TRACE_ID) or b""
    if not sampler.by_hash and state.randomness is not None:
        return state.randomness
    if any(trace_id) and config.attribute_source == "traceID":
        return _span_randomness(sampler, state, trace_id)
    if not config.from_attribute:
        return None
    value = record.attribute(LOG_ATTRIBUTES, config.from_attribute.encode())
    if value is None:
        return None
    data = value if isinstance(value, bytes) else text_of(value).encode()
    return sampling.hash_randomness(data, sampler.seed)


def _set_text(record: Message, key: bytes, text: str) -> None:
    record.set_attribute(LOG_ATTRIBUTES, key, build_value(text))


def build(config: ProbabilisticSamplerConfig, consumer: Consumer) -> Rewriter:
    """The processor of this configuration."""
    sampler = _Sampler(config)
    passes = {
        Signal.TRACES: [Visitors(record=_span_visit(sampler))],
        Signal.LOGS: [Visitors(record=_log_visit(sampler, config))],
    }
    return Rewriter(same_for_all(passes), consumer, reason="sampled_out")


FACTORY = Factory(
    kind=Kind.PROCESSOR,
    type="probabilistic_sampler",
    config=ProbabilisticSamplerConfig,
    build=build,
    signals=frozenset({Signal.TRACES, Signal.LOGS}),
)
