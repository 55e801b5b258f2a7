"""OpenTelemetry's names in Prometheus' characters (OTel, "Prometheus and OpenMetrics Compatibility")."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tollspan.otlp.schema import MetricType

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "%": "percent",
    "1": "",
}
_PER_UNITS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}


def metric_words(name: str, unit: str, kind: MetricType, *, monotonic: bool) -> list[str]:
    """The words of a metric's name, those of its unit among them, and `total` or `ratio` at the end."""
    words = [word for word in re.split("[^a-zA-Z0-9:]+", name) if word]
    words += [word for word in _unit_words(unit) if word not in words]
    if kind is MetricType.SUM and monotonic:
        return [*_without("total", words), "total"]
    if kind is MetricType.GAUGE and unit == "1":
        return [*_without("ratio", words), "ratio"]
    return words


def plain_words(name: str) -> list[str]:
    """The metric's own name as the only word, in Prometheus' characters."""
    return [re.sub("[^a-zA-Z0-9_:]", "_", name)]


def join_words(words: list[str], namespace: str) -> str:
    """One name; it does not begin with a digit."""
    name = "_".join([*([namespace] if namespace else []), *words])
    return f"_{name}" if name[:1].isdigit() else name


def label_name(key: str) -> str:
    """The label's name: letters, digits and `_`, not beginning with a digit."""
    name = re.sub("[^a-zA-Z0-9_]", "_", key)
    return f"key_{name}" if name[:1].isdigit() else name


def _unit_words(unit: str) -> list[str]:
    """`m/s` gives meters, per, second; what stands in braces is an annotation and gives nothing."""
    main, _, per = (part.strip() for part in unit.partition("/"))
    words = [] if re.search("[{}]", main) else _words(_UNITS.get(main, main))
    if per and not re.search("[{}]", per):
        words += ["per", *_words(_PER_UNITS.get(per, per))]
    return words


def _words(text: str) -> list[str]:
    return [word for word in re.split("[^a-zA-Z0-9]+", text) if word]


def _without(word: str, words: Iterable[str]) -> list[str]:
    return [other for other in words if other != word]
