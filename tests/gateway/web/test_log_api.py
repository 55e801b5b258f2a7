"""`GET /api/v1/logs`: stored log records in the shape that the dashboard reads."""

import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import NOW, SECOND
from helpers.web import LIMITED, READER

pytestmark = pytest.mark.xdist_group("telemetry")

PATH = "/api/v1/logs"


async def ask(http, headers=READER, **parameters):
    response = await http.get(PATH, params=parameters, headers=headers)
    return response.raise_for_status().json()


async def test_a_record_shows_everything_that_was_sent(http, store):
    sent = log_record(severity_number=17, severity_text="ERR", attributes={"n": 2**60, "s": "x"}, flags=1)
    sent.body.bytes_value = b"\0\xff"
    await store.write(log_batch(sent))
    answer = await ask(http)
    assert answer["next_cursor"] is None
    [record] = answer["data"]
    assert record == {
        "moment_unix_nano": str(NOW),
        "time_unix_nano": str(NOW),
        "observed_time_unix_nano": "0",
        "service": "orders",
        "severity_number": 17,
        "severity_text": "ERR",
        "body": {"bytes": "AP8="},
        "event_name": "",
        "trace_id": None,
        "span_id": None,
        "flags": 1,
        "unit": None,
        "parent_unit": None,
        "attributes": {"n": str(2**60), "s": "x"},
        "resource": {"attributes": {"service.name": "orders"}, "schema_url": "", "dropped_attributes": 0},
        "instrumentation_scope": {
            "name": "",
            "version": "",
            "attributes": {},
            "schema_url": "",
            "dropped_attributes": 0,
        },
        "dropped_attributes": 0,
    }


async def test_severities_are_asked_for_by_name(http, store):
    numbers = range(1, 25)
    await store.write(log_batch(*(log_record(str(n), NOW - n, severity_number=n) for n in numbers)))
    found = (await ask(http, severity="error"))["data"]
    assert [int(record["body"]) for record in found] == list(range(17, 25))


async def test_the_cursor_leads_through_all_pages(http, store):
    await store.write(log_batch(*(log_record(str(n), NOW - n * SECOND) for n in range(5))))
    first = await ask(http, limit=3)
    rest = await ask(http, limit=3, cursor=first["next_cursor"])
    assert [record["body"] for record in first["data"] + rest["data"]] == list("01234")
    assert rest["next_cursor"] is None


async def test_a_credential_for_some_datasets_sees_no_other(http, store):
    for dataset in ("shop", "hidden"):
        await store.write(log_batch(log_record(dataset), dataset=dataset))
    assert [record["body"] for record in (await ask(http, LIMITED))["data"]] == ["shop"]


@pytest.mark.parametrize(
    ("field", "value"), [("severity", "loud"), ("trace_id", "xyz"), ("limit", "0"), ("cursor", "?")]
)
async def test_a_wrong_parameter_is_named(http, store, field, value):
    response = await http.get(PATH, params={field: value}, headers=READER)
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)


async def test_records_are_found_by_attributes_of_their_own_and_of_their_resource(http, store):
    await store.write(log_batch(log_record("mine", attributes={"order": 7}), service="web"))
    await store.write(log_batch(log_record("theirs", attributes={"order": 7}), service="mail"))
    of_web = {"attribute": "order=7", "resource_attribute": "service.name=web"}

    assert len((await ask(http, attribute="order=7"))["data"]) == 2
    assert [record["body"] for record in (await ask(http, **of_web))["data"]] == ["mine"]
    assert (await ask(http, attribute="order=8"))["data"] == []
