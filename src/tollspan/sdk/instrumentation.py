"""The OpenTelemetry instrumentations that are installed: which apply, and when each is put to work.

A library that is imported already is instrumented at once; any other when it is imported,
before its importer sees it. So nothing is loaded that the program does not use.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Collection, Iterator
from functools import partial
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING

from tollspan.sdk.events import Events

if TYPE_CHECKING:
    from packaging.requirements import Requirement

GROUP = "opentelemetry_instrumentor"

ON = "on"
DISABLED = "disabled"
EVERYTHING = "*"

NOT_NEEDED = {"logging": "not needed: the SDK records logging itself"}

WORKS_BEYOND_ITS_CLAIM = {"sqlalchemy": "<2.2"}
"""Instrumentations that do all they do with newer libraries than they declare; tests show it."""

IMPORT_NAMES = {
    "cassandra-driver": "cassandra",
    "django": "django.core.handlers.base",
    "grpcio": "grpc",
    "kafka-python": "kafka",
    "mysql-connector-python": "mysql.connector",
    "mysqlclient": "MySQLdb",
    "psycopg2-binary": "psycopg2",
    "scylla-driver": "cassandra",
    "starlette": "starlette.applications",
    "tortoise-orm": "tortoise",
}
"""The modules whose import starts an instrumentation, where they are not called like the distribution."""


class Instrumentations:
    """What is instrumented in this process. An instrumentation that is on stays on."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._states: dict[str, str] = {}

    @property
    def states(self) -> dict[str, str]:
        """By name: `on`, also while the library is not imported yet, or why it is not."""
        return dict(self._states)

    def activate(self, disabled: Collection[str]) -> None:
        """All that is installed is on, except `disabled`: names of instrumentations or packages, or `*`."""
        off = {_normal(name) for name in disabled}
        for entry in entry_points(group=GROUP):
            if self._states.get(entry.name) != ON:
                try:
                    self._activate(entry, off)
                except Exception as error:
                    self._failed(entry, error)

    def _activate(self, entry: EntryPoint, off: set[str]) -> None:
        requirements = _requirements(entry)
        unmet = _unmet(entry.name, requirements)
        if off & {EVERYTHING, *_names(entry)}:
            self._states[entry.name] = DISABLED
        elif entry.name in NOT_NEEDED:
            self._states[entry.name] = NOT_NEEDED[entry.name]
        elif unmet is None:
            self._states[entry.name] = ON
            self._arm(entry, _modules(entry, requirements))
        elif self._states.get(entry.name) != unmet:
            self._states[entry.name] = unmet
            if unmet.startswith("conflict"):
                self._events.notice("instrumentation_conflict", f"{entry.name} is not instrumented: {unmet}")

    def _arm(self, entry: EntryPoint, modules: Collection[str]) -> None:
        import wrapt  # noqa: PLC0415 - a dependency of the instrumentations, not of the SDK

        if not modules:
            self._start(entry, None)
        for name in modules:
            package = name.partition(".")[0] if name in sys.modules else None
            wrapt.register_post_import_hook(partial(self._start, entry, package), name)

    def _start(self, entry: EntryPoint, used_before: str | None, _module: object = None) -> None:
        # Loaded with the first library that is instrumented: it imports what instruments.
        from tollspan.sdk.instrumentation_start import start  # noqa: PLC0415

        try:
            start(entry, used_before, self._events)
        except Exception as error:
            self._failed(entry, error)

    def _failed(self, entry: EntryPoint, error: Exception) -> None:
        self._states[entry.name] = f"failed: {type(error).__name__}: {error}"
        self._events.notice(
            "instrumentation_failed",
            f"{entry.name} is not instrumented: {type(error).__name__}; status() tells more",
        )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(entry: EntryPoint) -> set[str]:
    """The names to disable it by: `kafka` and `kafka-python` are the same."""
    package = "" if entry.dist is None else _normal(entry.dist.name)
    return {_normal(entry.name), package.removeprefix("opentelemetry-instrumentation-")}


def _requirements(entry: EntryPoint) -> list[tuple[str, Requirement]]:
    """What it instruments, each with its extra: all of `instruments`, and any of `instruments-any`.

    One distribution may have several instrumentations; one that is called like its library is for that.
    """
    from packaging.requirements import Requirement  # noqa: PLC0415 - as wrapt

    lines = [] if entry.dist is None else entry.dist.requires or []
    requirements = [Requirement(line) for line in lines if "instruments" in line]
    found = [
        (extra, requirement)
        for requirement in requirements
        for extra in ("instruments", "instruments-any")
        if requirement.marker is not None and requirement.marker.evaluate({"extra": extra})
    ]
    same = [pair for pair in found if _normal(pair[1].name) == _normal(entry.name)]
    return same or found


def _unmet(name: str, requirements: Collection[tuple[str, Requirement]]) -> str | None:
    """Why the libraries here cannot be instrumented, or None."""
    problems = [(extra, _problem(name, requirement)) for extra, requirement in requirements]
    for extra, problem in problems:
        if problem is not None and extra == "instruments":
            return problem
    alternatives = [problem for extra, problem in problems if extra == "instruments-any"]
    if not alternatives or None in alternatives:
        return None
    return min(problem for problem in alternatives if problem is not None)  # A conflict before an absence.


def _problem(name: str, requirement: Requirement) -> str | None:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - as wrapt

    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"not installed: {requirement.name}"
    shown_to_work = SpecifierSet(WORKS_BEYOND_ITS_CLAIM.get(name, f"==={found}.not"))
    if requirement.specifier.contains(found, prereleases=True) or shown_to_work.contains(found):
        return None
    return f"conflict: it needs {requirement.name}{requirement.specifier}, found {found}"


def _modules(entry: EntryPoint, requirements: Collection[tuple[str, Requirement]]) -> set[str]:
    """The modules whose import starts it; without any it has to start at once."""
    names: Iterator[str] = (_normal(requirement.name) for _, requirement in requirements)
    modules = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names} or {entry.name}
    return {name for name in modules if importlib.util.find_spec(name.partition(".")[0]) is not None}
