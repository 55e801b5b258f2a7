"""`processors::tail_sampling`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from tollspan.collector.config.values import Duration
from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.error_mode import ErrorMode
from tollspan.collector.ottl.groups import compile_texts, of_context
from tollspan.collector.ottl.values import searcher
from tollspan.errors import ConfigError

NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Percentage = Annotated[float, msgspec.Meta(ge=0, le=100)]

STATUS_CODES = ("UNSET", "OK", "ERROR")
"""As they are numbered on the wire."""

PolicyType = Literal[
    "always_sample",
    "latency",
    "numeric_attribute",
    "probabilistic",
    "status_code",
    "string_attribute",
    "boolean_attribute",
    "span_count",
    "rate_limiting",
    "bytes_limiting",
    "trace_state",
    "trace_flags",
    "ottl_condition",
    "and",
    "not",
    "drop",
    "composite",
]


class LatencyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces that took at least `threshold_ms`; with `upper_threshold_ms` more than that, up to it."""

    threshold_ms: NotNegative = 0
    upper_threshold_ms: NotNegative = 0


class NumericAttributeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An int attribute within bounds, which belong to it; 0 is no bound."""

    key: str = ""
    min_value: int = 0
    max_value: int = 0
    invert_match: bool = False


class ProbabilisticConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A share of all traces, by a hash of the trace id."""

    hash_salt: str = ""
    sampling_percentage: Percentage = 0.0


class StatusCodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces with a span of one of these: OK, ERROR, UNSET."""

    status_codes: list[str] = []


class StringAttributeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A string attribute that is one of `values`, or matches one of them as a pattern."""

    key: str = ""
    values: list[str] = []
    enabled_regex_matching: bool = False
    cache_max_size: int = 0
    invert_match: bool = False


class BooleanAttributeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A boolean attribute with this value."""

    key: str = ""
    value: bool = False
    invert_match: bool = False


class SpanCountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces of at least `min_spans` and, unless it is 0, at most `max_spans`."""

    min_spans: NotNegative = 0
    max_spans: NotNegative = 0


class RateLimitingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whole traces up to so many spans a second; `burst_capacity` 0 means twice that."""

    spans_per_second: NotNegative = 0
    burst_capacity: NotNegative = 0


class BytesLimitingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whole traces up to so many bytes a second; `burst_capacity` 0 means twice that."""

    bytes_per_second: NotNegative = 0
    burst_capacity: NotNegative = 0


class TraceStateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces with a span whose tracestate has one of the values under `key`."""

    key: str = ""
    values: list[str] = []


class OTTLConditionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces with a span, or a span event, for which one of the conditions holds."""

    error_mode: ErrorMode = "ignore"
    span: list[str] = []
    spanevent: list[str] = []


class AndConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces that every one of these samples."""

    and_sub_policy: list[PolicyConfig] = []


class NotConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces that this does not sample."""

    not_sub_policy: PolicyConfig | None = None


class DropConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Traces that every one of these samples are dropped, whatever other policies say."""

    drop_sub_policy: list[PolicyConfig] = []


class RateAllocationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What share of a composite's rate a policy may use."""

    policy: str
    percent: Percentage = 0.0


class CompositeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The first policy that samples decides, as long as it has spans left in this second."""

    max_total_spans_per_second: NotNegative = 0
    policy_order: list[str] = []
    composite_sub_policy: list[PolicyConfig] = []
    rate_allocation: list[RateAllocationConfig] = []


class PolicyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One policy; of the blocks that of its type counts."""

    name: str = ""
    type: PolicyType
    latency: LatencyConfig = LatencyConfig()
    numeric_attribute: NumericAttributeConfig = NumericAttributeConfig()
    probabilistic: ProbabilisticConfig = ProbabilisticConfig()
    status_code: StatusCodeConfig = StatusCodeConfig()
    string_attribute: StringAttributeConfig = StringAttributeConfig()
    boolean_attribute: BooleanAttributeConfig = BooleanAttributeConfig()
    span_count: SpanCountConfig = SpanCountConfig()
    rate_limiting: RateLimitingConfig = RateLimitingConfig()
    bytes_limiting: BytesLimitingConfig = BytesLimitingConfig()
    trace_state: TraceStateConfig = TraceStateConfig()
    ottl_condition: OTTLConditionConfig = OTTLConditionConfig()
    and_: AndConfig = msgspec.field(name="and", default=AndConfig())
    not_: NotConfig = msgspec.field(name="not", default=NotConfig())
    drop: DropConfig = DropConfig()
    composite: CompositeConfig = CompositeConfig()

    def problems(self) -> Iterator[ConfigError]:
        """What the policy's type needs and does not have."""
        if not self.name:
            yield ConfigError("name", "policy name cannot be empty")
        block = getattr(self, self.type, None)
        if getattr(block, "key", "not needed") == "":
            yield ConfigError(f"{self.type}::key", "is required")
        match self.type:
            case "status_code":
                yield from self._status_code_problems()
            case "string_attribute" if self.string_attribute.enabled_regex_matching:
                yield from self._pattern_problems()
            case "ottl_condition":
                yield from self._condition_problems()
            case "and" if not self.and_.and_sub_policy:
                yield ConfigError("and::and_sub_policy", "is required")
            case "not" if self.not_.not_sub_policy is None:
                yield ConfigError("not::not_sub_policy", "is required")
            case "drop" if not self.drop.drop_sub_policy:
                yield ConfigError("drop::drop_sub_policy", "is required")
            case "composite":
                yield from self._composite_problems()

    def _status_code_problems(self) -> Iterator[ConfigError]:
        codes = self.status_code.status_codes
        if not codes:
            yield ConfigError("status_code::status_codes", "expected at least one status code to filter on")
        for code in set(codes) - set(STATUS_CODES):
            known = ", ".join(STATUS_CODES)
            yield ConfigError("status_code::status_codes", f"unknown status code {code!r}", f"known: {known}")

    def _pattern_problems(self) -> Iterator[ConfigError]:
        for row, pattern in enumerate(self.string_attribute.values):
            try:
                searcher(pattern)
            except ValueError as error:
                yield ConfigError(f"string_attribute::values::{row}", str(error))

    def _condition_problems(self) -> Iterator[ConfigError]:
        conditions = {"span": self.ottl_condition.span, "spanevent": self.ottl_condition.spanevent}
        if not any(conditions.values()):
            yield ConfigError("ottl_condition", "expected at least one OTTL condition to filter on")
        for context, texts in conditions.items():
            listed = of_context(context, f"ottl_condition::{context}", texts)
            yield from compile_texts(listed, compile_condition).problems

    def _composite_problems(self) -> Iterator[ConfigError]:
        names = [policy.name for policy in self.composite.composite_sub_policy]
        if not names:
            yield ConfigError("composite::composite_sub_policy", "is required")
        mentioned = {*self.composite.policy_order, *(a.policy for a in self.composite.rate_allocation)}
        for name in sorted(mentioned - set(names)):
            yield ConfigError("composite", f"{name!r} is not one of composite_sub_policy")


class DecisionCacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How many decided traces are remembered for spans that come late; not given is `num_traces`, 0 none."""

    sampled_cache_size: NotNegative | None = None
    non_sampled_cache_size: NotNegative | None = None


class TailSamplingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`processors::tail_sampling`; `memory_limit_mib` is ours."""

    decision_wait_s: Duration = msgspec.field(default=30.0, name="decision_wait")
    decision_wait_after_root_received_s: Duration = msgspec.field(
        default=0.0, name="decision_wait_after_root_received"
    )
    num_traces: Positive = 50_000
    block_on_overflow: bool = False
    expected_new_traces_per_sec: NotNegative = 0
    decision_cache: DecisionCacheConfig = DecisionCacheConfig()
    sample_on_first_match: bool = False
    sampling_strategy: Literal["trace-complete"] = "trace-complete"
    drop_pending_traces_on_shutdown: bool = False
    maximum_trace_size_bytes: NotNegative = 0
    memory_limit_mib: Positive = 512
    policies: list[PolicyConfig]

    def problems(self) -> Iterator[ConfigError]:
        """No policy, or two of one name."""
        if not self.policies:
            yield ConfigError("policies", "at least one policy is required")
        yield from _repeated("policies", (policy.name for policy in self.policies))


def _repeated(path: str, names: Iterable[str]) -> Iterator[ConfigError]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield ConfigError(path, f'duplicate policy name "{name}"')
        seen.add(name)
