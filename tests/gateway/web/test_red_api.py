"""`GET /api/v1/services/red`."""

import pytest

from helpers.spans import NOW, SECOND, batch, failed_span
from helpers.web import READER

pytestmark = pytest.mark.xdist_group("telemetry")

PATH = "/api/v1/services/red"


async def test_a_service_is_shown_over_time(http, store):
    await store.write(batch(failed_span(duration=1000)))
    response = await http.get(PATH, params={"start": NOW // SECOND, "step_s": 600}, headers=READER)
    answer = response.raise_for_status().json()
    [service] = answer["data"]
    [step] = service["steps"]
    assert (answer["step_s"], service["service"]) == (600, "orders")
    assert (step["start_s"], step["spans"], step["errors"]) == (NOW // SECOND // 300 * 300, 1, 1)
    assert step["durations"]["mean"] == 1000


@pytest.mark.parametrize("step_s", ["0", "60", "301", "soon"])
async def test_a_wrong_step_is_named(http, store, step_s):
    response = await http.get(PATH, params={"step_s": step_s}, headers=READER)
    assert (response.status_code, response.json()["error"]["field"]) == (400, "step_s")
