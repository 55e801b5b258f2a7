"""The API's own answers: stored spans in the shapes that the dashboard reads."""

import pytest

from helpers.spans import NOW, SECOND, batch, batch_of, failed_span, request, span
from helpers.web import READER
from tollspan.gateway.web.answers import Trace

pytestmark = pytest.mark.xdist_group("telemetry")

ROOT, CHILD, STRAY, TRACE_ID = b"the root", b"my child", b"a stray!", b"an order's trace"


async def ask(http, path, **parameters):
    response = await http.get(f"/api/v1{path}", params=parameters, headers=READER)
    return response.raise_for_status().json()


@pytest.fixture
async def order(store):
    """One trace: a root of unit acme, a failed child, and a span whose parent never came."""
    cost = {"tollspan.cost.currency": "EUR", "tollspan.cost.amount_nano": 2**60}
    unit = {"tollspan.unit": "acme"}
    root = span("GET /", trace_id=TRACE_ID, span_id=ROOT, kind=2, attributes=unit | cost)
    fields = {"trace_id": TRACE_ID, "start": NOW + 10, "duration": 100}
    child = failed_span("query", span_id=CHILD, parent_span_id=ROOT, kind=3, **fields)
    child.events.add(name="declined", time_unix_nano=NOW + 50)
    stray = span(
        "late", trace_id=TRACE_ID, span_id=STRAY, parent_span_id=b"x" * 8, start=NOW + 20, duration=2000
    )
    await store.write(batch(root, child, stray))
    await store.write(batch(span("other", start=NOW - SECOND), service="billing"))


async def test_a_trace_comes_in_columns_by_start(http, order):
    trace = await ask(http, f"/traces/{TRACE_ID.hex()}")

    assert trace == {
        "trace_id": TRACE_ID.hex(),
        "start_unix_nano": str(NOW),
        "duration_nano": 2020,
        "services": ["orders"],
        "names": trace["names"],
        "units": ["acme"],
        "spans": {
            "span_id": [ROOT.hex(), CHILD.hex(), STRAY.hex()],
            "parent": [-1, 0, -1],
            "service": [0, 0, 0],
            "name": trace["spans"]["name"],
            "kind": [2, 3, 0],
            "status": [0, 2, 0],
            "offset_nano": [0, 10, 20],
            "duration_nano": [1000, 100, 2000],
            "unit": [0, -1, -1],
            "events": [0, 1, 0],
        },
        "orphans": [2],
    }
    assert [trace["names"][index] for index in trace["spans"]["name"]] == ["GET /", "query", "late"]


async def test_a_trace_answers_as_it_is_described(http, order):
    answer = await ask(http, f"/traces/{TRACE_ID.hex()}")

    assert Trace.model_validate(answer, strict=True).model_dump() == answer


HOSTILE_KEYS = [
    "__proto__",
    "constructor",
    "prototype",
    "__proto__.polluted",
    "constructor.prototype.polluted",
    "{0.__class__.__init__.__globals__}",
    "%(x)s",
    "$.a[*]",
    "a`b'c\"d\\e",
]


async def test_a_key_that_means_something_elsewhere_is_only_a_key_here(http, store):
    """CVEs of 2026: keys of telemetry that reached a prototype, a format string, a JSON path."""
    attributes = {key: f"value of {key}" for key in HOSTILE_KEYS}
    sent = span("hostile", attributes=attributes, trace_id=TRACE_ID, span_id=ROOT)
    await store.write(batch(sent))

    own = await ask(http, f"/traces/{TRACE_ID.hex()}/spans/{ROOT.hex()}")
    [compatible] = (await http.get(f"/traces/{TRACE_ID.hex()}", headers=READER)).json()
    assert own["attributes"] == attributes
    assert compatible["span_attributes"] == attributes


async def test_ids_may_be_written_in_capitals(http, order):
    assert await ask(http, f"/traces/{TRACE_ID.hex().upper()}") == await ask(
        http, f"/traces/{TRACE_ID.hex()}"
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/traces/{'ab' * 16}", 404),
        (f"/traces/{TRACE_ID.hex()}/spans/{'ab' * 8}", 404),
        ("/traces/nonsense", 400),
        (f"/traces/{TRACE_ID.hex()}/spans/1", 400),
        ("/traces/" + "%27%20OR%201", 400),
    ],
)
async def test_what_is_not_there_or_no_id_is_said_so(http, order, path, status):
    response = await http.get(f"/api/v1{path}", headers=READER)

    assert response.status_code == status
    assert response.json()["error"]["message"]


async def test_a_span_comes_whole(http, store):
    sent = span("POST /", trace_id=TRACE_ID, span_id=ROOT, trace_state="a=b", flags=257)
    values = sent.attributes
    values.add(key="big").value.int_value = 2**62
    values.add(key="raw").value.bytes_value = b"\x00\xff"
    values.add(key="ratio").value.double_value = float("nan")
    values.add(key="list").value.array_value.values.add(bool_value=True)
    values.add(key="map").value.kvlist_value.values.add(key="__proto__").value.string_value = "plain"
    values.add(key="none").value.SetInParent()
    sent.links.add(
        trace_id=b"l" * 16, span_id=b"m" * 8, trace_state="c=d", flags=769, dropped_attributes_count=5
    )
    sent.events.add(name="declined", time_unix_nano=NOW + 1, dropped_attributes_count=6)
    sent.dropped_attributes_count = 4
    made = request(sent)
    made.resource_spans[0].schema_url = "https://example.com/1"
    made.resource_spans[0].resource.dropped_attributes_count = 7
    made.resource_spans[0].scope_spans[0].scope.name = "library"
    made.resource_spans[0].scope_spans[0].scope.dropped_attributes_count = 8
    made.resource_spans[0].scope_spans[0].schema_url = "https://example.com/2"
    await store.write(batch_of(made))

    answer = await ask(http, f"/traces/{TRACE_ID.hex()}/spans/{ROOT.hex()}")

    assert answer == {
        "span_id": ROOT.hex(),
        "parent_span_id": None,
        "name": "POST /",
        "service": "orders",
        "kind": 0,
        "status": 0,
        "status_message": "",
        "start_unix_nano": str(NOW),
        "duration_nano": 1000,
        "unit": None,
        "parent_unit": None,
        "trace_state": "a=b",
        "flags": 257,
        "attributes": {
            "big": str(2**62),
            "raw": {"bytes": "AP8="},
            "ratio": "nan",
            "list": [True],
            "map": {"__proto__": "plain"},
            "none": None,
        },
        "resource": {
            "attributes": {"service.name": "orders"},
            "schema_url": "https://example.com/1",
            "dropped_attributes": 7,
        },
        "instrumentation_scope": {
            "name": "library",
            "version": "",
            "attributes": {},
            "schema_url": "https://example.com/2",
            "dropped_attributes": 8,
        },
        "events": [
            {
                "name": "declined",
                "time_unix_nano": str(NOW + 1),
                "attributes": {},
                "dropped_attributes": 6,
            }
        ],
        "links": [
            {
                "trace_id": (b"l" * 16).hex(),
                "span_id": (b"m" * 8).hex(),
                "trace_state": "c=d",
                "flags": 769,
                "attributes": {},
                "dropped_attributes": 5,
            }
        ],
        "dropped": {"attributes": 4, "events": 0, "links": 0},
    }


async def test_the_list_sums_every_trace_up(http, order):
    page = await ask(http, "/traces")

    assert page["data"][0] == {
        "trace_id": TRACE_ID.hex(),
        "root_name": "GET /",
        "root_service": "orders",
        "start_unix_nano": str(NOW),
        "duration_nano": 2020,
        "spans": 3,
        "errors": 1,
        "services": ["orders"],
        "unit": "acme",
        "parent_unit": None,
        "costs": [{"currency": "EUR", "amount_nano": str(2**60)}],
    }
    assert [trace["root_name"] for trace in page["data"]] == ["GET /", "other"]
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"service": "billing"}, ["other"]),
        ({"unit": "acme"}, ["GET /"]),
        ({"name": "query"}, ["GET /"]),
        ({"errors": "true"}, ["GET /"]),
        ({"min_duration_ms": "0.0015"}, ["GET /"]),
        ({"min_duration_ms": "1"}, []),
        ({"start": str(NOW // SECOND)}, ["GET /"]),
        ({"end": str(NOW // SECOND)}, ["other"]),
        ({"name": "' OR 1=1 --"}, []),
    ],
)
async def test_each_condition_narrows_the_list(http, order, condition, found):
    page = await ask(http, "/traces", **condition)

    assert [trace["root_name"] for trace in page["data"]] == found


async def test_a_cursor_leads_through_all_traces_without_gap_or_repetition(http, store):
    sent = [span(f"trace {number}", start=NOW + number * SECOND) for number in range(7)]
    await store.write(batch(*sent))
    found, cursor = [], {}
    while cursor is not None:
        page = await ask(http, "/traces", limit=3, **cursor)
        found += [trace["root_name"] for trace in page["data"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None

    assert found == [f"trace {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    "wrong",
    [{"limit": "0"}, {"limit": "1001"}, {"cursor": "made up"}, {"start": "soon"}, {"min_duration_ms": "-1"}],
)
async def test_a_wrong_condition_is_named(http, wrong):
    response = await http.get("/api/v1/traces", params=wrong, headers=READER)

    assert (response.status_code, response.json()["error"]["field"]) == (400, *wrong)


async def test_services_are_counted(http, order):
    assert (await ask(http, "/services"))["data"] == [
        {"name": "billing", "spans": 1, "errors": 0},
        {"name": "orders", "spans": 3, "errors": 1},
    ]


async def test_traces_are_found_by_attributes_of_spans_and_resources(http, store):
    mine, theirs = span(attributes={"order": 7, "http.route": "/o"}), span(attributes={"order": 7})
    await store.write(batch(mine, resource={"zone": "a"}))
    await store.write(batch(theirs, resource={"zone": "b"}))

    async def found(**parameters):
        return {trace["trace_id"] for trace in (await ask(http, "/traces", **parameters))["data"]}

    assert await found(attribute="order=7") == {mine.trace_id.hex(), theirs.trace_id.hex()}
    assert await found(attribute=["order=7", "http.route=/o"]) == {mine.trace_id.hex()}
    assert await found(attribute="order=7", resource_attribute="zone=b") == {theirs.trace_id.hex()}
    assert await found(attribute="order=8") == set()


@pytest.mark.parametrize("path", ["/traces", "/logs", "/metrics/load"])
@pytest.mark.parametrize("name", ["attribute", "resource_attribute"])
async def test_a_wrong_condition_is_refused_with_what_to_write(http, store, path, name):
    unclear = await http.get(f"/api/v1{path}", params={name: "order"}, headers=READER)
    too_many = await http.get(f"/api/v1{path}", params={name: ["k=v"] * 11}, headers=READER)

    assert unclear.status_code == too_many.status_code == 400
    assert unclear.json()["error"]["field"] == f"{name}.0"
    assert unclear.json()["error"]["message"].startswith("write key=value, for example http.route=/orders;")
    assert "at most 10" in too_many.json()["error"]["message"]
