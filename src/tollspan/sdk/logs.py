"""What the SDK does with log records: writes their unit, then delivers them. Runs inside every `emit`."""

from __future__ import annotations

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord

from tollspan.otlp.encoding import encode_logs
from tollspan.otlp.signals import Signal
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.delivery import ItemType
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import Exporter
from tollspan.sdk.spans import value_bytes, values_bytes
from tollspan.sdk.unit_propagation import plain_dict

RECORD_BYTES = 1900
"""About what CPython needs for a log record without its body and attributes."""


class LogPipeline(LogRecordProcessor):
    """Stamps log records and gives them to `exporter`. Never raises.

    The exporter may be exchanged; without one log records go nowhere.
    """

    def __init__(self, attribution: Attribution, events: Events) -> None:
        self.exporter: Exporter[ReadableLogRecord] | None = None
        self.shutdown_timeout_s = 2.0
        self._attribution = attribution
        self._events = events

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """The record has the attributes of its unit, except those it came with, and waits for delivery."""
        try:
            if self.exporter is None:
                return
            record = log_record.log_record
            if units := self._attribution.attributes():
                held = plain_dict(record.attributes)
                for key, value in units.items():
                    held.setdefault(key, value)
            self.exporter.put(
                ReadableLogRecord(record, log_record.resource, log_record.instrumentation_scope)  # type: ignore[arg-type]  # the SDK sets the resource
            )
        except Exception as error:
            self._events.bug("the emission of a log record", error)

    def shutdown(self) -> None:
        """Everything is delivered or dropped; the logger provider calls this."""
        if self.exporter is not None:
            self.exporter.shutdown(self.shutdown_timeout_s)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Whether everything that waited was delivered in time."""
        return self.exporter is None or self.exporter.flush(timeout_millis / 1000).ok


def log_bytes(record: ReadableLogRecord) -> int:
    """About how much memory `record` takes while it waits."""
    log_record = record.log_record
    return RECORD_BYTES + value_bytes(log_record.body) + values_bytes(plain_dict(log_record.attributes))


LOGS = ItemType(Signal.LOGS, encode_logs, log_bytes)
