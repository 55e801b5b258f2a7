import pytest

from helpers.processors import configured, problems
from tollspan.collector.processors.tail_sampling.processor import FACTORY

ALWAYS = {"name": "a", "type": "always_sample"}


def test_the_defaults_are_the_collectors():
    config = configured(FACTORY, {"policies": [ALWAYS]})
    assert (config.decision_wait_s, config.num_traces, config.block_on_overflow) == (30.0, 50_000, False)


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ({"type": "always_sample"}, "policy name cannot be empty"),
        ({"name": "x", "type": "sometimes"}, "policies::0::type"),
        ({"name": "x", "type": "status_code"}, "at least one status code"),
        ({"name": "x", "type": "status_code", "status_code": {"status_codes": ["BAD"]}},
         "unknown status code 'BAD'"),
        ({"name": "x", "type": "string_attribute"}, "string_attribute::key: is required"),
        ({"name": "x", "type": "ottl_condition"}, "at least one OTTL condition"),
        ({"name": "x", "type": "ottl_condition", "ottl_condition": {"span": ["nmae == 1"]}},
         "did you mean name?"),
        ({"name": "x", "type": "string_attribute",
          "string_attribute": {"key": "k", "values": ["("], "enabled_regex_matching": True}},
         "not an RE2 pattern"),
        ({"name": "x", "type": "and"}, "and::and_sub_policy"),
        ({"name": "x", "type": "not"}, "not::not_sub_policy"),
        ({"name": "x", "type": "drop"}, "drop::drop_sub_policy"),
        ({"name": "x", "type": "composite"}, "composite_sub_policy"),
        ({"name": "x", "type": "composite",
          "composite": {"composite_sub_policy": [ALWAYS], "policy_order": ["b"]}},
         "'b' is not one of composite_sub_policy"),
        ({"name": "x", "type": "and", "and": {"and_sub_policy": [{"type": "trace_flags"}]}},
         "cannot be empty"),
    ],
)  # fmt: skip
def test_a_policy_without_what_it_needs_is_refused(policy, problem):
    assert any(problem in found for found in problems(FACTORY, {"policies": [policy]}))


def test_policies_are_needed_and_have_names_of_their_own():
    assert "policies: is required" in problems(FACTORY, {})[0]
    assert 'duplicate policy name "a"' in problems(FACTORY, {"policies": [ALWAYS, ALWAYS]})[0]
