"""OpenTelemetry with a gate and a price tag.

The public names of the SDK live here and load on the first use of any, so `import tollspan`
costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollspan.sdk.client import capture_error as capture_error
    from tollspan.sdk.client import extract as extract
    from tollspan.sdk.client import inject as inject
    from tollspan.sdk.client import log as log
    from tollspan.sdk.client_metrics import metric as metric
    from tollspan.sdk.client_spans import span as span
    from tollspan.sdk.configure import Tollspan as Tollspan
    from tollspan.sdk.configure import flush as flush
    from tollspan.sdk.configure import init as init
    from tollspan.sdk.cost import cost as cost
    from tollspan.sdk.log_bridges import loguru_sink as loguru_sink
    from tollspan.sdk.log_bridges import structlog_processor as structlog_processor
    from tollspan.sdk.serverless import serverless as serverless
    from tollspan.sdk.unit import Unit as Unit
    from tollspan.sdk.unit import current_unit as current_unit
    from tollspan.sdk.unit import set_unit as set_unit
    from tollspan.sdk.unit import unit as unit

_HOME = {
    "Tollspan": "tollspan.sdk.configure",
    "Unit": "tollspan.sdk.unit",
    "capture_error": "tollspan.sdk.client",
    "cost": "tollspan.sdk.cost",
    "current_unit": "tollspan.sdk.unit",
    "extract": "tollspan.sdk.client",
    "flush": "tollspan.sdk.configure",
    "init": "tollspan.sdk.configure",
    "inject": "tollspan.sdk.client",
    "log": "tollspan.sdk.client",
    "loguru_sink": "tollspan.sdk.log_bridges",
    "metric": "tollspan.sdk.client_metrics",
    "serverless": "tollspan.sdk.serverless",
    "set_unit": "tollspan.sdk.unit",
    "span": "tollspan.sdk.client_spans",
    "structlog_processor": "tollspan.sdk.log_bridges",
    "unit": "tollspan.sdk.unit",
}

__all__ = [
    "Tollspan",
    "Unit",
    "capture_error",
    "cost",
    "current_unit",
    "extract",
    "flush",
    "init",
    "inject",
    "log",
    "loguru_sink",
    "metric",
    "serverless",
    "set_unit",
    "span",
    "structlog_processor",
    "unit",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # All at once: if a thread imported one of them later, while another forks, the child that
    # needs it would wait forever for an import that nobody ends.
    globals().update({public: getattr(import_module(home), public) for public, home in _HOME.items()})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
