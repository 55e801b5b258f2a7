from __future__ import annotations

import tracemalloc

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from helpers.broken_pipeline import Broken
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.events import Events
from tollspan.sdk.logs import LogPipeline, log_bytes


def _emitted(count: int) -> list[ReadableLogRecord]:
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    for index in range(count):
        provider.get_logger("tests").emit(
            timestamp=1,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body=f"order {index} is paid",
            attributes={f"key.{key}": "value" * 10 + str(index) for key in range(8)},
        )
    return list(memory.get_finished_logs())


def test_the_weight_of_log_records_is_about_their_memory() -> None:
    _emitted(1)
    tracemalloc.start()
    try:
        records = _emitted(500)
        memory = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.5 < sum(map(log_bytes, records)) / memory < 2


@pytest.mark.parametrize(
    "body", ["x" * 10**6, b"x" * 10**6, {"a": ["x" * 10**6]}], ids=["text", "bytes", "map"]
)
def test_a_large_body_weighs_what_it_is(body: object) -> None:
    record = LogRecord(body=body)  # type: ignore[call-overload]  # any value
    assert log_bytes(ReadableLogRecord(record, Resource.get_empty())) > 10**6


def test_without_an_exporter_a_pipeline_is_quiet() -> None:
    pipeline = LogPipeline(Attribution(Events()), Events())
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(pipeline)
    provider.get_logger("tests").emit(body="hello")
    assert pipeline.force_flush()
    pipeline.shutdown()


def test_a_bug_in_the_pipeline_does_not_reach_the_application(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = LogPipeline(Broken(), Events())
    pipeline.exporter = Broken()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(pipeline)
    for _ in range(3):
        provider.get_logger("tests").emit(body="hello")
    assert [record.message for record in caplog.records] == [
        "a bug of the SDK in the emission of a log record: RuntimeError"
    ]
