import statistics

import pytest

from helpers.spans import NOW, SECOND, batch, failed_span, span
from tollspan.errors import QueryError
from tollspan.gateway.query.red import find_red
from tollspan.gateway.query.time_range import ALWAYS, SLOT_S, TimeRange

pytestmark = pytest.mark.xdist_group("telemetry")

SLOT = SLOT_S * SECOND
START = NOW // SLOT * SLOT
MILLISECOND = 10**6


async def test_spans_errors_and_durations_are_counted_by_service_and_step(store):
    durations = [own * MILLISECOND for own in (1, 2, 4, 8, 100)]
    await store.write(batch(*(span(start=START, duration=own) for own in durations), service="web"))
    await store.write(batch(failed_span(start=START + 3 * SLOT), span(start=START + SLOT), service="mail"))
    mail, web = await find_red(store.view("acme"), TimeRange(START, START + 4 * SLOT), step_s=2 * SLOT_S)

    assert (mail.service, web.service) == ("mail", "web")
    assert [(step.start_s, step.spans, step.errors) for step in mail.steps] == [
        (START // SECOND, 1, 0),
        (START // SECOND + 2 * SLOT_S, 1, 1),
    ]
    [step] = web.steps
    assert (step.spans, step.durations.mean) == (5, statistics.mean(durations))
    assert step.durations.p50 == pytest.approx(4 * MILLISECOND, rel=0.1)
    assert step.durations.p99 == pytest.approx(100 * MILLISECOND, rel=0.1)


async def test_each_tenant_and_dataset_is_counted_for_itself(store):
    await store.write(batch(span(), span()))
    await store.write(batch(span(), tenant="rival"))
    await store.write(batch(span(duration=-5), dataset="other"))
    [all_of_them] = await find_red(store.view("acme"), ALWAYS, step_s=SLOT_S)
    [one] = await find_red(store.view("acme", ["other"]), ALWAYS, step_s=SLOT_S)
    assert sum(step.spans for step in all_of_them.steps) == 3
    assert [(step.spans, step.durations.mean) for step in one.steps] == [(1, 0)]
    assert await find_red(store.view("acme"), ALWAYS, step_s=SLOT_S, service="unknown") == []


async def test_a_step_is_made_of_whole_slots(store):
    with pytest.raises(QueryError, match="multiple of 300"):
        await find_red(store.view("acme"), ALWAYS, step_s=60)
