"""OpenTelemetry with a gate and a price tag.

The public names of the SDK live here and load on first use, so `import tollspan`
costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollspan.sdk.configure import Tollspan as Tollspan
    from tollspan.sdk.configure import init as init
    from tollspan.sdk.unit import Unit as Unit
    from tollspan.sdk.unit import current_unit as current_unit
    from tollspan.sdk.unit import set_unit as set_unit
    from tollspan.sdk.unit import unit as unit

_HOME = {
    "Tollspan": "tollspan.sdk.configure",
    "init": "tollspan.sdk.configure",
    "Unit": "tollspan.sdk.unit",
    "current_unit": "tollspan.sdk.unit",
    "set_unit": "tollspan.sdk.unit",
    "unit": "tollspan.sdk.unit",
}

__all__ = ["Tollspan", "Unit", "current_unit", "init", "set_unit", "unit"]


def __getattr__(name: str) -> object:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    # Kept, so that the next access does not come here.
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
