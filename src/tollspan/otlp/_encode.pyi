from collections.abc import Iterable

from opentelemetry.sdk.trace import ReadableSpan

def encode_spans(spans: Iterable[ReadableSpan]) -> tuple[bytes, list[int]]: ...
