"""Our SDK for `opentelemetry-instrument`: with OTEL_PYTHON_DISTRO=tollspan, or when no other is installed.

Without a name the first distribution that is found is asked. Where that is ours and another
one is installed, ours has that one do it.
"""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # it is unchecked
from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_CONFIGURATOR, OTEL_PYTHON_DISTRO
from opentelemetry.util._importlib_metadata import EntryPoint, entry_points

from tollspan.sdk.configure import init

NAME = "tollspan"


class TollspanDistro(BaseDistro):  # type: ignore[misc]  # as above
    """Sees to it that our configurator is used."""

    def _configure(self, **kwargs: Any) -> None:
        other = _other("opentelemetry_distro")
        named = os.environ.get(OTEL_PYTHON_DISTRO)
        if named == NAME or other is None:
            os.environ.setdefault(OTEL_PYTHON_CONFIGURATOR, NAME)
        else:
            other.load()().configure(**kwargs)


class TollspanConfigurator:
    """Initialises the SDK; the libraries are instrumented by whoever asks for it."""

    def configure(self, **kwargs: Any) -> None:
        """The SDK is initialised from the environment."""
        other = _other("opentelemetry_configurator")
        if os.environ.get(OTEL_PYTHON_CONFIGURATOR) == NAME or other is None:
            init(instrument=False)
        else:
            other.load()().configure(**kwargs)


def _other(group: str) -> EntryPoint | None:
    return next((entry for entry in entry_points(group=group) if entry.name != NAME), None)
