"""The policies: what each says of a trace, and what they say together."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.error_mode import any_of
from tollspan.collector.ottl.groups import compile_texts, of_context
from tollspan.collector.ottl.paths import FIELDS
from tollspan.collector.ottl.values import searcher
from tollspan.collector.processors.tail_sampling.config import (
    STATUS_CODES,
    CompositeConfig,
    PolicyConfig,
    StringAttributeConfig,
)
from tollspan.collector.processors.tail_sampling.trace import Trace
from tollspan.otlp._fnv import fnv1a_64
from tollspan.otlp._message import Message
from tollspan.otlp.request_walk import RESOURCE


class Decision(enum.Enum):
    """What a policy says; the inverted ones come from `invert_match` and weigh more."""

    SAMPLED = "sampled"
    NOT_SAMPLED = "not_sampled"
    INVERT_SAMPLED = "invert_sampled"
    INVERT_NOT_SAMPLED = "invert_not_sampled"
    DROPPED = "dropped"
    ERROR = "error"


SAMPLING = (Decision.SAMPLED, Decision.INVERT_SAMPLED)

Policy = Callable[[Trace], Decision]
Clock = Callable[[], float]
"""Seconds that never go back."""

SPAN_ATTRIBUTES, RESOURCE_ATTRIBUTES = 9 << 3 | 2, 1 << 3 | 2
SAMPLED_FLAG = 1
DEFAULT_HASH_SALT = "default-hash-seed"
HASH_MAX = (1 << 64) - 1


def combine(decisions: Iterable[Decision]) -> Decision:
    """The verdict on a trace: SAMPLED, NOT_SAMPLED or DROPPED."""
    said = set(decisions)
    if Decision.DROPPED in said:
        return Decision.DROPPED
    if Decision.INVERT_NOT_SAMPLED in said:
        return Decision.NOT_SAMPLED
    if Decision.SAMPLED in said:
        return Decision.SAMPLED
    if Decision.INVERT_SAMPLED in said and Decision.NOT_SAMPLED not in said:
        return Decision.SAMPLED
    return Decision.NOT_SAMPLED


def build_policy(config: PolicyConfig, clock: Clock) -> Policy:
    """The policy of a configuration without problems."""
    return _BUILDERS[config.type](config, clock)


def _plain(test: Callable[[Trace], bool]) -> Policy:
    return lambda trace: Decision.SAMPLED if test(trace) else Decision.NOT_SAMPLED


def _inverted(test: Callable[[Trace], bool]) -> Policy:
    return lambda trace: Decision.INVERT_NOT_SAMPLED if test(trace) else Decision.INVERT_SAMPLED


def _latency(config: PolicyConfig, clock: Clock) -> Policy:
    low_ns, high_ns = config.latency.threshold_ms * 10**6, config.latency.upper_threshold_ms * 10**6
    start, end = FIELDS["span"]["start_time_unix_nano"].get, FIELDS["span"]["end_time_unix_nano"].get

    def is_slow(trace: Trace) -> bool:
        first, last = [], []

        def look(span: Message) -> bool:
            first.append(start(span))
            last.append(end(span))
            return False

        trace.any_span(look)
        took_ns = max(last, default=0) - min(first, default=0)
        return low_ns < took_ns <= high_ns if high_ns else took_ns >= low_ns

    return _plain(is_slow)


def _attribute(key: str, matches: Callable[[Any], bool], *, inverted: bool) -> Policy:
    """By an attribute of a span or of its resource."""
    wire_key = key.encode()

    def holds(span: Message) -> bool:
        assert span.parent is not None, "spans are visited inside their scope entry"
        resource_entry = span.parent.parent
        assert resource_entry is not None, "and that inside its resource entry"
        of_resource = resource_entry.part(RESOURCE).attribute(RESOURCE_ATTRIBUTES, wire_key)
        return matches(span.attribute(SPAN_ATTRIBUTES, wire_key)) or matches(of_resource)

    def test(trace: Trace) -> bool:
        return trace.any_span(holds)

    return _inverted(test) if inverted else _plain(test)


def _numeric_attribute(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.numeric_attribute
    low, high = block.min_value or -(1 << 63), block.max_value or (1 << 63) - 1
    return _attribute(
        block.key, lambda value: type(value) is int and low <= value <= high, inverted=block.invert_match
    )


def _string_attribute(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.string_attribute
    matches = _text_test(block)
    return _attribute(
        block.key,
        lambda value: isinstance(value, str) and value != "" and matches(value),
        inverted=block.invert_match,
    )


def _text_test(block: StringAttributeConfig) -> Callable[[str], bool]:
    if not block.enabled_regex_matching:
        return frozenset(block.values).__contains__
    tests = [searcher(pattern) for pattern in block.values]
    return lambda value: any(test(value) for test in tests)


def _boolean_attribute(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.boolean_attribute
    return _attribute(block.key, lambda value: value is block.value, inverted=block.invert_match)


def _probabilistic(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.probabilistic
    salt = (block.hash_salt or DEFAULT_HASH_SALT).encode()
    # In tenths of a millionth, since a float cannot tell the largest hashes apart.
    threshold = HASH_MAX * round(block.sampling_percentage * 10**7) // 10**9
    return _plain(lambda trace: fnv1a_64(salt + trace.key.trace_id) <= threshold)


def _status_code(config: PolicyConfig, clock: Clock) -> Policy:
    codes = frozenset(STATUS_CODES.index(code) for code in config.status_code.status_codes)
    code = FIELDS["span"]["status.code"].get
    return _plain(lambda trace: trace.any_span(lambda span: code(span) in codes))


def _span_count(config: PolicyConfig, clock: Clock) -> Policy:
    low, high = config.span_count.min_spans, config.span_count.max_spans
    return _plain(lambda trace: low <= trace.spans and (not high or trace.spans <= high))


class _Bucket:
    """A token bucket, full at first."""

    def __init__(self, rate: float, capacity: float, clock: Clock) -> None:
        self._rate = rate
        self._capacity = capacity or 2 * rate
        self._clock = clock
        self._left = self._capacity
        self._filled_s = clock()

    def take(self, amount: float) -> bool:
        """Whether so much was there; it is gone then."""
        now_s = self._clock()
        self._left = min(self._capacity, self._left + (now_s - self._filled_s) * self._rate)
        self._filled_s = now_s
        if amount > self._left:
            return False
        self._left -= amount
        return True


def _rate_limiting(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.rate_limiting
    bucket = _Bucket(block.spans_per_second, block.burst_capacity, clock)
    return _plain(lambda trace: bucket.take(trace.spans))


def _bytes_limiting(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.bytes_limiting
    bucket = _Bucket(block.bytes_per_second, block.burst_capacity, clock)
    return _plain(lambda trace: bucket.take(trace.size))


def _trace_state(config: PolicyConfig, clock: Clock) -> Policy:
    item, values = FIELDS["span"]["trace_state"].item, frozenset(config.trace_state.values)
    assert item is not None, "a tracestate has members"
    member = item(config.trace_state.key).get
    return _plain(lambda trace: trace.any_span(lambda span: member(span) in values))


def _trace_flags(config: PolicyConfig, clock: Clock) -> Policy:
    flags = FIELDS["span"]["flags"].get
    return _plain(lambda trace: trace.any_span(lambda span: bool(flags(span) & SAMPLED_FLAG)))


def _ottl_condition(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.ottl_condition
    of_span, of_event = (
        any_of(compile_texts(of_context(context, "", texts), compile_condition).pairs, block.error_mode)
        for context, texts in (("span", block.span), ("spanevent", block.spanevent))
    )
    return _plain(
        lambda trace: trace.any_span(of_span) or (bool(block.spanevent) and trace.any_span_event(of_event))
    )


def _and(config: PolicyConfig, clock: Clock) -> Policy:
    policies = [build_policy(part, clock) for part in config.and_.and_sub_policy]
    return _plain(lambda trace: all(policy(trace) in SAMPLING for policy in policies))


def _not(config: PolicyConfig, clock: Clock) -> Policy:
    assert config.not_.not_sub_policy is not None, "the configuration was checked"
    policy = build_policy(config.not_.not_sub_policy, clock)
    return _plain(lambda trace: policy(trace) not in SAMPLING)


def _drop(config: PolicyConfig, clock: Clock) -> Policy:
    policies = [build_policy(part, clock) for part in config.drop.drop_sub_policy]

    def drop(trace: Trace) -> Decision:
        every = all(policy(trace) in SAMPLING for policy in policies)
        return Decision.DROPPED if every else Decision.NOT_SAMPLED

    return drop


class _Composite:
    """Each policy may sample so many spans in each second."""

    def __init__(
        self, policies: Sequence[tuple[str, Policy]], rates: Mapping[str, float], clock: Clock
    ) -> None:
        self._policies = policies
        self._rates = rates
        self._clock = clock
        self._second = -1
        self._used: dict[str, int] = {}

    def __call__(self, trace: Trace) -> Decision:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._used = dict.fromkeys(self._rates, 0)
        for name, policy in self._policies:
            if policy(trace) in SAMPLING:
                if self._used[name] + trace.spans > self._rates[name]:
                    return Decision.NOT_SAMPLED
                self._used[name] += trace.spans
                return Decision.SAMPLED
        return Decision.NOT_SAMPLED


def _composite(config: PolicyConfig, clock: Clock) -> Policy:
    block = config.composite
    policies = {part.name: build_policy(part, clock) for part in block.composite_sub_policy}
    order = block.policy_order or list(policies)
    return _Composite([(name, policies[name]) for name in order], allocate(block), clock)


def allocate(block: CompositeConfig) -> dict[str, float]:
    """Spans a second for each policy of a composite; those without a share get an equal one."""
    total = block.max_total_spans_per_second
    equal = total / len(block.composite_sub_policy)
    shares = {a.policy: a.percent for a in block.rate_allocation}
    names = (part.name for part in block.composite_sub_policy)
    return {name: total * shares[name] / 100 if shares.get(name) else equal for name in names}


_BUILDERS: dict[str, Callable[[PolicyConfig, Clock], Policy]] = {
    "always_sample": lambda config, clock: _plain(lambda trace: True),
    "latency": _latency,
    "numeric_attribute": _numeric_attribute,
    "probabilistic": _probabilistic,
    "status_code": _status_code,
    "string_attribute": _string_attribute,
    "boolean_attribute": _boolean_attribute,
    "span_count": _span_count,
    "rate_limiting": _rate_limiting,
    "bytes_limiting": _bytes_limiting,
    "trace_state": _trace_state,
    "trace_flags": _trace_flags,
    "ottl_condition": _ottl_condition,
    "and": _and,
    "not": _not,
    "drop": _drop,
    "composite": _composite,
}
