"""Log requests built with the official protobuf classes."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from helpers.spans import NOW, put_attributes
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal


def log_record(body="done", time=NOW, attributes=None, **fields):
    """A record with a text as its body; `attributes` are strings or whole numbers."""
    made = LogRecord(time_unix_nano=time, **fields)
    if body is not None:
        made.body.string_value = body
    put_attributes(made.attributes, attributes or {})
    return made


def log_batch(*records, tenant="acme", dataset="default", service="orders"):
    """These records as they reach the store."""
    made = ExportLogsServiceRequest()
    resource_logs = made.resource_logs.add()
    put_attributes(resource_logs.resource.attributes, {"service.name": service})
    resource_logs.scope_logs.add().log_records.extend(records)
    return log_batch_of(made, tenant, dataset)


def log_batch_of(made, tenant="acme", dataset="default"):
    """A request of any shape as it reaches the store."""
    items = sum(len(scope.log_records) for resource in made.resource_logs for scope in resource.scope_logs)
    return Batch(Signal.LOGS, made.SerializeToString(), items, tenant, dataset)
