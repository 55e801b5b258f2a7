"""The three signals of OTLP and what each is called on the wire."""

from __future__ import annotations

import enum


class Signal(enum.Enum):
    """One telemetry signal."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"

    __hash__ = object.__hash__  # members are single; Enum's own hash runs Python code

    @property
    def path(self) -> str:
        """The default OTLP/HTTP request path (OTLP 1.11, "OTLP/HTTP Request")."""
        return f"/v1/{self.value}"

    @property
    def item(self) -> str:
        """What one counted item of this signal is called, in the plural."""
        return {"traces": "spans", "metrics": "data points", "logs": "log records"}[self.value]

    @property
    def write_permission(self) -> str:
        """The permission that an exporter of this signal needs."""
        return f"write:{self.value}"

    @property
    def read_permission(self) -> str:
        """The permission that a reader of this signal needs."""
        return f"read:{self.value}"
