"""What a check found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """A PROBLEM keeps telemetry from arriving; a WARNING costs some of its worth."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about `topic`; `cure` says what to do about it, if anything. Never holds a secret."""

    verdict: Verdict
    topic: str
    fact: str
    cure: str = ""

    def __str__(self) -> str:
        cure = f"\n{'':8}  → {self.cure}" if self.cure else ""
        return f"{self.verdict:8}  {self.topic}: {self.fact}{cure}"


def ok(topic: str, fact: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, topic, fact)


def warning(topic: str, fact: str, cure: str) -> Finding:
    """Telemetry arrives, but."""
    return Finding(Verdict.WARNING, topic, fact, cure)


def problem(topic: str, fact: str, cure: str) -> Finding:
    """Telemetry does not arrive."""
    return Finding(Verdict.PROBLEM, topic, fact, cure)
