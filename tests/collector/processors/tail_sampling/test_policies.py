import hashlib

import pytest

from helpers.processors import trace_request
from tollspan.collector.config.decode import Decoding
from tollspan.collector.processors.tail_sampling.config import PolicyConfig
from tollspan.collector.processors.tail_sampling.policies import Decision, allocate, build_policy, combine
from tollspan.collector.processors.tail_sampling.trace import Piece, Trace, TraceKey
from tollspan.errors import PermanentError

SPANS = (
    {"name": "GET /", "start_time_unix_nano": 1_000_000, "end_time_unix_nano": 51_000_000, "flags": 1,
     "attributes": {"rows": 7, "route": "/orders", "hit": True}, "trace_state": "k=v"},
    {"name": "db", "start_time_unix_nano": 2_000_000, "end_time_unix_nano": 101_000_000, "status": 2,
     "events": [{"name": "exception"}]},
)  # fmt: skip


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def trace(*spans, trace_id=b"t" * 16):
    found = Trace(TraceKey("", "", trace_id), 0.0)
    spans = spans or SPANS
    found.add(Piece(trace_request(*spans).SerializeToString(), len(spans)))
    return found


def config(type_, **block):
    decoding = Decoding()
    key = {"and": "and", "not": "not"}.get(type_, type_)
    body = {"name": "p", "type": type_} | ({key: block} if block else {})
    made = decoding.struct(PolicyConfig, body, "")
    assert decoding.problems == []
    return made


def decided(type_, clock=None, **block):
    return build_policy(config(type_, **block), clock or Clock())(trace())


ALWAYS = {"name": "a", "type": "always_sample"}
NEVER = {"name": "n", "type": "span_count", "span_count": {"min_spans": 99}}


@pytest.mark.parametrize(
    ("type_", "block", "sampled"),
    [
        ("always_sample", {}, True),
        ("latency", {"threshold_ms": 100}, True),
        ("latency", {"threshold_ms": 101}, False),
        ("latency", {"threshold_ms": 50, "upper_threshold_ms": 100}, True),
        ("latency", {"threshold_ms": 100, "upper_threshold_ms": 200}, False),
        ("numeric_attribute", {"key": "rows", "min_value": 7, "max_value": 7}, True),
        ("numeric_attribute", {"key": "rows", "min_value": 8}, False),
        ("numeric_attribute", {"key": "route", "min_value": 1}, False),
        ("status_code", {"status_codes": ["ERROR"]}, True),
        ("status_code", {"status_codes": ["OK"]}, False),
        ("string_attribute", {"key": "route", "values": ["/orders"]}, True),
        ("string_attribute", {"key": "service.name", "values": ["orders"]}, True),
        ("string_attribute", {"key": "route", "values": ["^/o"], "enabled_regex_matching": True}, True),
        ("string_attribute", {"key": "route", "values": ["^/o"]}, False),
        ("boolean_attribute", {"key": "hit", "value": True}, True),
        ("boolean_attribute", {"key": "hit", "value": False}, False),
        ("span_count", {"min_spans": 2, "max_spans": 2}, True),
        ("span_count", {"min_spans": 3}, False),
        ("trace_state", {"key": "k", "values": ["v"]}, True),
        ("trace_state", {"key": "k", "values": ["w"]}, False),
        ("trace_flags", {}, True),
        ("ottl_condition", {"span": ['attributes["rows"] == 7']}, True),
        ("ottl_condition", {"spanevent": ['name == "exception"']}, True),
        ("ottl_condition", {"span": ['name == "x"'], "spanevent": ['name == "x"']}, False),
        ("and", {"and_sub_policy": [ALWAYS, ALWAYS]}, True),
        ("and", {"and_sub_policy": [ALWAYS, NEVER]}, False),
        ("not", {"not_sub_policy": NEVER}, True),
        ("not", {"not_sub_policy": ALWAYS}, False),
        ("probabilistic", {"sampling_percentage": 100}, True),
        ("probabilistic", {"sampling_percentage": 0}, False),
    ],
)
def test_a_policy_samples_what_it_says(type_, block, sampled):
    assert decided(type_, **block) is (Decision.SAMPLED if sampled else Decision.NOT_SAMPLED)


def test_inverted_and_dropping_policies_have_decisions_of_their_own():
    inverted = {"key": "hit", "value": True, "invert_match": True}
    assert decided("boolean_attribute", **inverted) is Decision.INVERT_NOT_SAMPLED
    assert decided("boolean_attribute", **inverted | {"value": False}) is Decision.INVERT_SAMPLED
    assert decided("drop", drop_sub_policy=[ALWAYS]) is Decision.DROPPED
    assert decided("drop", drop_sub_policy=[ALWAYS, NEVER]) is Decision.NOT_SAMPLED


@pytest.mark.parametrize(
    ("decisions", "verdict"),
    [
        ("SAMPLED DROPPED", "DROPPED"),
        ("SAMPLED INVERT_NOT_SAMPLED", "NOT_SAMPLED"),
        ("SAMPLED NOT_SAMPLED", "SAMPLED"),
        ("INVERT_SAMPLED", "SAMPLED"),
        ("INVERT_SAMPLED NOT_SAMPLED", "NOT_SAMPLED"),
        ("NOT_SAMPLED ERROR", "NOT_SAMPLED"),
        ("ERROR", "NOT_SAMPLED"),
    ],
)
def test_policies_together_decide_by_precedence(decisions, verdict):
    assert combine(Decision[name] for name in decisions.split()) is Decision[verdict]


@pytest.mark.parametrize(
    ("type_", "block"),
    [
        ("rate_limiting", {"spans_per_second": 2}),
        ("bytes_limiting", {"bytes_per_second": 300, "burst_capacity": 900}),
    ],
)
def test_a_limit_takes_whole_traces_until_its_bucket_is_empty(type_, block):
    clock = Clock()
    policy = build_policy(config(type_, **block), clock)
    taken = [policy(trace()) for _ in range(6)]
    assert Decision.SAMPLED in taken
    assert taken[-1] is Decision.NOT_SAMPLED
    clock.now_s += 60
    assert policy(trace()) is Decision.SAMPLED


def test_a_share_of_traces_is_chosen_by_their_id_and_salt():
    ids = [hashlib.md5(bytes([number % 256, number // 256])).digest() for number in range(1000)]
    policies = [
        build_policy(config("probabilistic", sampling_percentage=20, hash_salt=s), Clock()) for s in "ab"
    ]
    chosen = [{i for i in ids if policy(trace(trace_id=i)) is Decision.SAMPLED} for policy in policies]
    assert all(100 < len(found) < 300 for found in chosen)
    assert chosen[0] != chosen[1]


def test_a_composite_gives_each_policy_its_share_of_each_second():
    parts = [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}, ALWAYS]
    made = config(
        "composite",
        max_total_spans_per_second=8,
        policy_order=["errors", "a"],
        composite_sub_policy=parts,
        rate_allocation=[{"policy": "errors", "percent": 25}],
    )
    assert allocate(made.composite) == {"errors": 2.0, "a": 4.0}
    clock = Clock()
    policy = build_policy(made, clock)
    assert [policy(trace()) for _ in range(2)] == [Decision.SAMPLED, Decision.NOT_SAMPLED]
    assert policy(trace({"name": "x"})) is Decision.SAMPLED
    clock.now_s += 1
    assert policy(trace()) is Decision.SAMPLED


def test_a_condition_that_fails_is_the_processors_to_count():
    with pytest.raises(PermanentError):
        decided("ottl_condition", span=['attributes["rows"]["x"] == 1'], error_mode="propagate")
