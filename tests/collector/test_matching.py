import pytest

from helpers.processors import log_request, metric_request, trace_request
from tollspan.collector.config.decode import Decoding
from tollspan.collector.matching import LogMatchConfig, MatchConfig, MetricMatchConfig, compile_match
from tollspan.otlp.request_walk import Visitors, rewrite
from tollspan.otlp.signals import Signal

SPANS = trace_request(
    {"name": "GET /a", "kind": 2, "attributes": {"env": "prod", "rows": 1}},
    {"name": "GET /b", "kind": 3, "attributes": {"env": "test"}},
    {"name": "POST /a", "kind": 1, "attributes": {"rows": True}},
)
LOGS = log_request(
    {"body": "started", "severity_text": "INFO", "severity_number": 9},
    {"body": "failed hard", "severity_text": "ERROR", "severity_number": 17, "attributes": {"env": "prod"}},
    {"body": "unknown"},
)
METRICS = metric_request(requests=[{}], errors=[{}])


def decoded(kind, body):
    decoding = Decoding()
    config = decoding.struct(kind, body, "")
    return config, [str(problem) for problem in decoding.problems]


def matched(signal, request, kind=MatchConfig, **criteria):
    """For each record, whether it matches."""
    config, problems = decoded(kind, criteria)
    assert problems == []
    matches = compile_match(config.as_match(), signal)
    found = []

    def visit(record):
        found.append(matches(record))
        return True

    rewrite(signal, request.SerializeToString(), 0, Visitors(record=visit))
    return found


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"span_names": ["GET /a", "POST /a"]}, [True, False, True]),
        ({"span_names": ["GET"]}, [False, False, False]),
        ({"span_names": ["^GET"], "match_type": "regexp"}, [True, True, False]),
        ({"services": ["orders"]}, [True, True, True]),
        ({"services": ["orders"], "span_names": ["GET /b"]}, [False, True, False]),
        ({"span_kinds": ["SPAN_KIND_SERVER", "Client"]}, [True, True, False]),
        ({"attributes": [{"key": "env"}]}, [True, True, False]),
        (
            {"attributes": [{"key": "env", "value": "prod"}, {"key": "rows", "value": 1}]},
            [True, False, False],
        ),
        ({"attributes": [{"key": "rows", "value": True}]}, [False, False, True]),
        (
            {"attributes": [{"key": "env", "value": "^(prod|test)$"}], "match_type": "regexp"},
            [True, True, False],
        ),
        ({"resources": [{"key": "service.name", "value": "orders"}]}, [True, True, True]),
        ({"resources": [{"key": "service.name", "value": "other"}]}, [False, False, False]),
        ({"libraries": [{"name": "shop"}]}, [True, True, True]),
        ({"libraries": [{"name": "shop", "version": "2"}]}, [False, False, False]),
        ({"libraries": [{"name": "^sh"}], "match_type": "regexp"}, [True, True, True]),
        ({"log_bodies": ["x"]}, [False, False, False]),
    ],
)
def test_spans_match_when_every_criterion_does(criteria, expected):
    assert matched(Signal.TRACES, SPANS, **{"match_type": "strict"} | criteria) == expected


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"log_bodies": ["failed"], "match_type": "regexp"}, [False, True, False]),
        ({"log_severity_texts": ["INFO"]}, [True, False, False]),
        ({"log_severity_number": {"min": 17}}, [False, True, False]),
        ({"log_severity_number": {"min": 17, "match_undefined": True}}, [False, True, True]),
        ({"attributes": [{"key": "env", "value": "prod"}]}, [False, True, False]),
    ],
)
def test_log_records_match_by_what_they_have(criteria, expected):
    assert matched(Signal.LOGS, LOGS, **{"match_type": "strict"} | criteria) == expected


def test_metrics_match_by_name():
    assert matched(Signal.METRICS, METRICS, match_type="strict", metric_names=["errors"]) == [False, True]


def test_the_filters_own_forms_have_other_names_for_the_same():
    found = matched(Signal.METRICS, METRICS, MetricMatchConfig, match_type="regexp", metric_names=["^err"])
    assert found == [False, True]
    found = matched(
        Signal.LOGS, LOGS, LogMatchConfig, match_type="strict", bodies=["started"], severity_texts=["INFO"]
    )
    assert found == [True, False, False]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"match_type": "strict"}, "at least one criterion"),
        ({"match_type": "regexp", "span_names": ["("]}, "span_names::0: '(' is not an RE2 pattern"),
        ({"match_type": "strict", "span_names": ["a"], "log_bodies": ["b"]}, "no signal has all of these"),
        ({"span_names": ["a"]}, "match_type: is required"),
        ({"match_type": "strict", "resources": [{"value": "x"}]}, "is required"),
    ],
)
def test_blocks_that_cannot_match_are_refused(body, problem):
    assert any(problem in found for found in decoded(MatchConfig, body)[1])
