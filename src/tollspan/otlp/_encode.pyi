from collections.abc import Iterable

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

def encode_spans(spans: Iterable[ReadableSpan]) -> tuple[bytes, list[int]]: ...
def encode_logs(records: Iterable[ReadableLogRecord]) -> tuple[bytes, list[int]]: ...
