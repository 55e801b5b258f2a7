import asyncio
import gzip
import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from helpers.http_peer import running_http_peer
from helpers.otlp_peer import Answer
from helpers.pipelines import QUICK, post, running_pipeline
from tollspan.collector.exporters.loki import build_push
from tollspan.otlp.signals import Signal

ALL = dict.fromkeys(("exporter", "job", "instance", "level"), True)


def logs(*records, **resource):
    """A request with these records: (attributes, fields)."""
    request = ExportLogsServiceRequest()
    entry = request.resource_logs.add()
    for key, text in resource.items():
        entry.resource.attributes.add(key=key.replace("__", ".")).value.string_value = text
    scope = entry.scope_logs.add()
    for attributes, fields in records:
        record = scope.log_records.add(time_unix_nano=7, **fields)
        record.body.string_value = "hello"
        for key, text in attributes.items():
            record.attributes.add(key=key).value.string_value = text
    return request


def streams(request, labels=ALL):
    text, _ = build_push(request.SerializeToString(), labels)
    return json.loads(text)["streams"]


def test_records_with_the_same_labels_are_one_stream():
    records = [({}, {"severity_number": number}) for number in (9, 12, 17, 0)]
    found = streams(logs(*records, service__name="shop", service__namespace="eu", service__instance__id="i"))
    identity = {"exporter": "OTLP", "job": "eu/shop", "instance": "i"}
    assert [(stream["stream"], len(stream["values"])) for stream in found] == [
        ({**identity, "level": "INFO"}, 2),
        ({**identity, "level": "ERROR"}, 1),
        (identity, 1),
    ]


def test_a_line_is_the_record_as_json():
    fields = {"severity_text": "info", "trace_id": b"t" * 16, "span_id": b"s" * 8}
    ((time, line),) = streams(logs(({"user": "ann"}, fields), host__name="h"))[0]["values"]
    assert time == "7"
    assert json.loads(line) == {
        "body": "hello",
        "severity": "info",
        "traceid": "74" * 16,
        "spanid": "73" * 8,
        "attributes": {"user": "ann"},
        "resources": {"host.name": "h"},
    }


def test_hints_choose_labels_and_format():
    hints = {
        "loki.attribute.labels": "user, region",
        "loki.resource.labels": "host.name",
        "user": "ann",
        "x": "y",
    }
    (stream,) = streams(logs((hints, {}), host__name="h"), dict.fromkeys(ALL, False))
    assert stream["stream"] == {"user": "ann", "host_name": "h"}
    assert json.loads(stream["values"][0][1]) == {"body": "hello", "attributes": {"x": "y"}}
    (raw,) = streams(logs(({"loki.format": "raw"}, {})))
    assert raw["values"] == [["7", "hello"]]


@pytest.fixture
def peer():
    with running_http_peer() as peer:
        yield peer


async def test_logs_are_pushed_and_trouble_that_passes_costs_nothing(peer):
    peer.answers.append(Answer(500))
    settings = {"endpoint": f"{peer.url}/loki/api/v1/push", "retry_on_failure": QUICK}
    async with running_pipeline("loki", settings, signals=[Signal.LOGS]) as pipeline:
        await post(pipeline, Signal.LOGS, logs(({}, {})))
        await asyncio.to_thread(peer.wait, 2)

    path, headers, body = peer.requests[1]
    assert path == "/loki/api/v1/push"
    assert headers["content-type"] == "application/json"
    assert json.loads(gzip.decompress(body))["streams"][0]["values"][0][0] == "7"
    assert pipeline.count("otelcol_exporter_sent_log_records") == 1
