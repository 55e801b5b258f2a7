from collections.abc import Iterable

from opentelemetry.sdk.metrics.export import Metric

def encode_metrics(metrics: Iterable[Metric]) -> tuple[bytes, list[tuple[int, int]]]: ...
