import pytest

from helpers.processors import (
    attributes_of,
    log_request,
    logs_of,
    problems,
    processed,
    spans_of,
    trace_request,
)
from tollspan.collector.processors.probabilistic_sampler import FACTORY

IDS = [number.to_bytes(2, "big") * 8 for number in range(1, 400)]
SPANS = trace_request(*({"trace_id": trace_id} for trace_id in IDS))
LOGS = log_request(*({"attributes": {"id": number}} for number in range(300)))


async def sampled(percentage, mode="hash_seed", request=SPANS, **settings):
    body = {"mode": mode, "sampling_percentage": percentage, **settings}
    return spans_of(await processed(FACTORY, body, request))


@pytest.mark.parametrize("mode", ["", "hash_seed", "proportional", "equalizing"])
async def test_more_percent_keep_the_same_traces_and_more(mode):
    kept = [{span.trace_id for span in await sampled(percentage, mode)} for percentage in (0, 10, 50, 100)]
    assert kept[0] < kept[1] < kept[2] < kept[3]
    assert len(kept[3]) == len(IDS)


async def test_another_seed_keeps_other_traces():
    first, second = [{s.trace_id for s in await sampled(50, hash_seed=seed)} for seed in (1, 2)]
    assert first != second


async def test_what_was_decided_by_stands_in_the_tracestate():
    (span,) = await sampled(
        50, "proportional", trace_request({"trace_id": b"\xff" * 16, "trace_state": "a=1"})
    )
    assert span.trace_state == "ot=th:8,a=1"
    (span,) = await sampled(
        50, "proportional", trace_request({"trace_id": b"\xff" * 16, "trace_state": "ot=th:8"})
    )
    assert span.trace_state == "ot=th:c"
    (span,) = await sampled(
        50, "equalizing", trace_request({"trace_id": b"\xff" * 16, "trace_state": "ot=th:c"})
    )
    assert span.trace_state == "ot=th:c"
    (span,) = await sampled(100, "hash_seed", trace_request({"trace_id": b"\xff" * 16}))
    assert span.trace_state.startswith("ot=th:0;rv:")


@pytest.mark.parametrize(
    ("priority", "kept"), [(0, 0), ("0", 0), (1, 1), (0.5, 1), ("2", 1), ("high", 0), (True, 0)]
)
async def test_the_sampling_priority_goes_before_the_percentage(priority, kept):
    request = trace_request({"trace_id": bytes(15) + b"\1", "attributes": {"sampling__priority": priority}})
    assert len(await sampled(1, "proportional", request)) == kept


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"trace_id": b"t" * 16, "trace_state": "ot=th:x"},
        {"trace_id": bytes(15) + b"\1", "trace_state": "ot=th:8"},
    ],
)
async def test_records_that_cannot_be_judged_are_kept_only_when_open(span):
    assert len(await sampled(50, "proportional", trace_request(span))) == 0
    assert len(await sampled(50, "proportional", trace_request(span), fail_closed=False)) == 1


async def test_log_records_are_chosen_by_an_attribute():
    body = {"sampling_percentage": 30, "attribute_source": "record", "from_attribute": "id"}
    kept = logs_of(await processed(FACTORY, body, LOGS))
    assert 0 < len(kept) < 300
    assert set(attributes_of(kept[0])) == {"id", "sampling.threshold", "sampling.randomness"}


async def test_log_records_are_chosen_by_their_trace_with_their_spans():
    body = {"mode": "proportional", "sampling_percentage": 30}
    records = logs_of(await processed(FACTORY, body, log_request(*({"trace_id": i} for i in IDS))))
    assert {r.trace_id for r in records} == {s.trace_id for s in await sampled(30, "proportional")}


@pytest.mark.parametrize(("priority", "kept"), [(0, 0), (100, 1)])
async def test_the_priority_of_a_log_record_is_a_percentage(priority, kept):
    body = {"sampling_percentage": 50, "mode": "proportional", "sampling_priority": "p"}
    request = log_request({"trace_id": bytes(15) + b"\1", "attributes": {"p": priority}})
    assert len(logs_of(await processed(FACTORY, body, request))) == kept


def test_settings_that_cannot_be_are_refused():
    assert "sampling_percentage" in problems(FACTORY, {"sampling_percentage": -1})[0]
    assert "too small" in problems(FACTORY, {"sampling_percentage": 1e-20})[0]
    assert "from_attribute" in problems(FACTORY, {"attribute_source": "record"})[0]
