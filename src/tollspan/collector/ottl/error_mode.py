"""Conditions and statements in lists, and what becomes of one that has no result (`error_mode`).

`propagate` refuses the whole batch for good, since it would fail again; `ignore` logs the failure
and goes on with the next; `silent` only goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

import structlog

from tollspan.collector.events import LOG_INTERVAL_S
from tollspan.collector.ottl.compilation import Condition, Statement
from tollspan.collector.ottl.values import EvaluationError
from tollspan.errors import PermanentError
from tollspan.otlp._message import Message

ErrorMode = Literal["ignore", "silent", "propagate"]

_log = structlog.get_logger()


def any_of(conditions: Iterable[tuple[str, Condition]], error_mode: ErrorMode) -> Condition:
    """Whether one of the conditions, each with its text, holds; those after the first are not asked."""
    listed = [(condition, _Failures("condition", text, error_mode)) for text, condition in conditions]

    def holds(message: Message) -> bool:
        for condition, failures in listed:
            try:
                if condition(message):
                    return True
            except EvaluationError as error:
                failures.report(error)
        return False

    return holds


def each_of(statements: Iterable[tuple[str, Statement]], error_mode: ErrorMode) -> Statement:
    """Every statement, each with its text, in their order."""
    listed = [(statement, _Failures("statement", text, error_mode)) for text, statement in statements]

    def execute(message: Message) -> None:
        for statement, failures in listed:
            try:
                statement(message)
            except EvaluationError as error:
                failures.report(error)

    return execute


class _Failures:
    """What one condition or statement failed with; logged once in a while."""

    def __init__(self, what: str, text: str, error_mode: ErrorMode) -> None:
        self._what = what
        self._text = text
        self._error_mode = error_mode
        self._logged_s = -LOG_INTERVAL_S
        self._unlogged = 0

    def report(self, error: EvaluationError) -> None:
        if self._error_mode == "propagate":
            verb = "eval" if self._what == "condition" else "execute"
            raise PermanentError(f"failed to {verb} {self._what}: {self._text}, {error}") from error
        if self._error_mode == "silent":
            return
        now_s = time.monotonic()
        if now_s - self._logged_s < LOG_INTERVAL_S:
            self._unlogged += 1
            return
        self._logged_s = now_s
        _log.warning(
            f"ottl_{self._what}_failed", text=self._text, error=str(error), unlogged_before=self._unlogged
        )
        self._unlogged = 0
