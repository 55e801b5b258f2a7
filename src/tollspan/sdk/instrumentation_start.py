"""How an instrumentation starts so that it works for what the program did before.

Upstream replaces names in the library's modules. Applications, subclasses and `from x import y`
from before would go untraced: applications are therefore instrumented one by one, those that
exist and those that are made later, and names that were imported are bound anew.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, NamedTuple

from tollspan.sdk.events import Events
from tollspan.sdk.log_handler import stepping_aside


class Application(NamedTuple):
    """A framework whose applications are instrumented one by one: its class, and with which options."""

    module: str
    class_name: str
    options: Mapping[str, Any]


PARTS = ["receive", "send"]
"""Spans of their own within that of a request, which say nothing that it does not."""

APPLICATIONS = {
    "fastapi": Application("fastapi", "FastAPI", {"exclude_spans": PARTS}),
    "flask": Application("flask", "Flask", {}),
    "starlette": Application("starlette.applications", "Starlette", {}),
}


FLASK_CONSOLE = (("flask.logging", "has_level_handler"), ("werkzeug._internal", "_has_level_handler"))
"""What looks whether anybody shows the log."""


def start(entry: EntryPoint, used_before: str | None, events: Events) -> None:
    """The instrumentation works, also for `used_before`, the package it is for if that was imported already.

    Raises what the instrumentation raises.
    """
    if entry.name in APPLICATIONS:
        _trace_applications(entry.load(), APPLICATIONS[entry.name], events)
        if entry.name == "flask":
            _keep_flask_on_the_console()
    elif entry.name == "django":
        _trace_django(entry, events)
    else:
        instrumentor = entry.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            return
        options = {"engines": _instances("sqlalchemy", "Engine")} if entry.name == "sqlalchemy" else {}
        before = {} if used_before is None else _namespaces(used_before)
        instrumentor.instrument(skip_dep_check=True, **options)
        _bind_anew(before)


def _trace_applications(instrumentor: Any, application: Application, events: Events) -> None:
    framework = getattr(sys.modules[application.module], application.class_name)

    def trace(app: object) -> None:
        # FastAPI is a Starlette with an instrumentation of its own.
        if application.class_name == "Starlette" and any(
            kind.__module__.startswith("fastapi") for kind in type(app).__mro__
        ):
            return
        try:
            instrumentor.instrument_app(app, **application.options)
            if application.class_name == "Starlette":
                _leave_out_parts(app)
        except Exception as error:
            events.notice(
                "application_not_traced",
                f"an application of {application.class_name} cannot be traced ({type(error).__name__}); "
                "init has to be called before it answers requests",
            )

    _after(framework, "__init__", trace)
    for app in _instances(application.module, application.class_name):
        trace(app)


def _leave_out_parts(app: Any) -> None:
    """The instrumentation of Starlette has no option for it, its middleware has."""
    for middleware in app.user_middleware:
        if "default_span_details" in middleware.kwargs:
            middleware.kwargs["exclude_spans"] = PARTS


def _keep_flask_on_the_console() -> None:
    """Flask and its server show their log if nobody else does; our handler does not show any."""
    for module, name in FLASK_CONSOLE:
        looks_for_handlers = getattr(sys.modules.get(module), name, None)
        if looks_for_handlers is not None:
            setattr(sys.modules[module], name, stepping_aside(looks_for_handlers))


def _trace_django(entry: EntryPoint, events: Events) -> None:
    """Django's settings are complete when a handler loads its middleware, and not before."""
    handler_class = sys.modules["django.core.handlers.base"].BaseHandler
    load_middleware = handler_class.load_middleware

    @functools.wraps(load_middleware)
    def load_traced(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            instrumentor = entry.load()()
            if not instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.instrument(skip_dep_check=True)
        except Exception as error:
            events.bug("the instrumentation of Django", error)
        load_middleware(self, *args, **kwargs)

    handler_class.load_middleware = load_traced
    for handler in _instances("django.core.handlers.base", "BaseHandler"):
        if handler._middleware_chain is not None:  # noqa: SLF001 - nothing public tells
            handler.load_middleware(is_async="ASGI" in type(handler).__name__)


def _after(owner: type, method: str, then: Callable[[object], None]) -> None:
    """Whenever `method` of an instance was called, `then` is."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def called(self: object, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        then(self)

    setattr(owner, method, called)


def _instances(module: str, class_name: str) -> list[Any]:
    """All objects of the class or a subclass. Asks their types, as a proxy's `__class__` may raise."""
    wanted = getattr(sys.modules[module], class_name)
    return [thing for thing in gc.get_objects() if issubclass(type(thing), wanted)]


def _namespaces(library: str) -> dict[str, dict[str, Any]]:
    """What the names in the modules of `library` stand for."""
    return {
        name: dict(vars(module))
        for name, module in _modules()
        if isinstance(module, ModuleType) and name.partition(".")[0] == library
    }


def _modules() -> list[tuple[str, object]]:
    """Some programs put other things than modules there."""
    return list(sys.modules.items())


def _bind_anew(before: Mapping[str, Mapping[str, Any]]) -> None:
    """Wherever a callable was imported that is replaced now, its replacement takes its place."""
    replaced = {
        id(old): (old, vars(sys.modules[module])[name])
        for module, names in before.items()
        for name, old in names.items()
        if callable(old) and vars(sys.modules[module]).get(name, old) is not old
    }
    if not replaced:
        return
    own = {module.partition(".")[0] for module in before} | {"opentelemetry"}
    for module_name, module in _modules():
        if isinstance(module, ModuleType) and module_name.partition(".")[0] not in own:
            for name, value in list(vars(module).items()):
                if id(value) in replaced:
                    setattr(module, name, replaced[id(value)][1])
