from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from helpers.otlp_grpc_peer import running_grpc_peer
from helpers.otlp_peer import OTLPPeer
from helpers.scripts import run_script, scopes
from tollspan.sdk.events import Events
from tollspan.sdk.instrumentation import DISABLED, ON, Instrumentations

STATES = """
    import json, tollspan
    print(json.dumps(tollspan.init("a-program", {}).status().instrumentations))
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a distribution with one instrumentor on the path, as pip would."""

    def put(name: str, requires: str, code: str = "class Instrumentor: ...") -> None:
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n")
        (folder / "entry_points.txt").write_text(
            f"[opentelemetry_instrumentor]\n{name} = {name}:Instrumentor\n"
        )
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setitem(sys.modules, name, importlib.import_module(name))

    return put


def states(*disabled: str) -> tuple[dict[str, str], Events]:
    """Those of this process, whose other instrumentations stay off."""
    events = Events()
    instrumentations = Instrumentations(events)
    instrumentations.activate(disabled)
    return instrumentations.states, events


def run_states(peer: OTLPPeer, options: str = "", **environ: str) -> dict[str, str]:
    return json.loads(run_script(peer, STATES.format(options), **environ))


def test_everything_that_is_installed_is_on_or_says_why_not(peer: OTLPPeer):
    found = run_states(peer)

    assert {found[name] for name in ("requests", "flask", "fastapi", "celery", "sqlite3")} == {ON}
    assert found["pymongo"] == "not installed: pymongo"
    assert found["psycopg2"].startswith("not installed: psycopg2")
    # Older releases of the instrumentations have none for it.
    assert found.get("httpx2", "not installed: httpx2") == "not installed: httpx2"


@pytest.mark.parametrize("name", ["kafka", "kafka-python", "Kafka_Python"])
def test_an_instrumentation_is_disabled_by_its_name_or_its_packages(peer: OTLPPeer, name: str):
    assert run_states(peer, f"disable=[{name!r}]")["kafka"] == DISABLED


def test_the_standard_variable_disables_too(peer: OTLPPeer):
    found = run_states(peer, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="requests , flask")

    assert [found["requests"], found["flask"], found["fastapi"]] == [DISABLED, DISABLED, ON]


def test_a_star_disables_all(peer: OTLPPeer):
    assert set(run_states(peer, "disable='*'").values()) == {DISABLED}


def test_without_instrument_there_are_none(peer: OTLPPeer):
    assert run_states(peer, "instrument=False") == {}


def test_nothing_is_imported_that_the_program_does_not_use(peer: OTLPPeer):
    printed = run_script(peer, "import sys, tollspan; tollspan.init(); print(*sys.modules)")

    assert not {"flask", "django", "celery", "grpc", "httpx", "sqlalchemy"} & set(printed.split())


def test_a_library_that_is_too_old_is_reported_and_not_raised(install, capsys, caplog):
    install("of_the_future", "Requires-Dist: pytest>=1000; extra == 'instruments'")

    found, events = states(*_all_but("of_the_future"))

    assert found["of_the_future"].startswith("conflict: it needs pytest>=1000, found")
    assert events.counts["instrumentation_conflict"] == 1
    assert "of_the_future is not instrumented" in caplog.text


def test_any_of_several_libraries_is_enough(install):
    install(
        "of_either",
        "Requires-Dist: pytest>=1000; extra == 'instruments-any'\n"
        "Requires-Dist: pluggy; extra == 'instruments-any'",
        "class Instrumentor:\n"
        "    is_instrumented_by_opentelemetry = False\n"
        "    def instrument(self, **options): type(self).options = options\n",
    )

    found, _ = states(*_all_but("of_either"))

    assert found["of_either"] == ON


def test_an_instrumentation_that_breaks_costs_itself_alone(install, caplog):
    install(
        "broken",
        "",
        "class Instrumentor:\n"
        "    is_instrumented_by_opentelemetry = False\n"
        "    def instrument(self, **options): raise ValueError('no')\n",
    )

    found, events = states(*_all_but("broken"))

    assert found["broken"] == "failed: ValueError: no"
    assert events.counts["instrumentation_failed"] == 1


def test_what_someone_else_instrumented_is_left_alone(install):
    install(
        "done_before",
        "",
        "class Instrumentor:\n"
        "    is_instrumented_by_opentelemetry = True\n"
        "    def instrument(self, **options): raise AssertionError\n",
    )

    assert states(*_all_but("done_before"))[0]["done_before"] == ON


def test_our_own_requests_make_no_spans(peer: OTLPPeer):
    peer.token_lifetime_s = 60

    run_script(
        peer,
        """
        import os, urllib3, tollspan
        from opentelemetry import trace
        telemetry = tollspan.init()
        trace.get_tracer("app").start_span("work").end()
        telemetry.flush()
        urllib3.PoolManager().request("GET", os.environ["TOLLSPAN_ENDPOINT"] + "/theirs")
        """,
        TOLLSPAN_CLIENT_ID="id",
        TOLLSPAN_CLIENT_SECRET="secret",
    )

    assert scopes(peer) == {"app": {"work"}, "urllib3": {"GET"}}


def test_our_own_grpc_calls_make_no_spans():
    with running_grpc_peer() as peer:
        run_script(
            peer,
            """
            import tollspan
            from opentelemetry import trace
            telemetry = tollspan.init(protocol="grpc", signals=["traces"])
            assert telemetry.status().instrumentations["grpc_client"] == "on"
            for _ in range(3):
                trace.get_tracer("app").start_span("work").end()
                telemetry.flush()
            """,
        )

    assert peer.stored == {"work": 3}


def _all_but(name: str) -> list[str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - after the path has changed

    return [entry.name for entry in entry_points(group="opentelemetry_instrumentor") if entry.name != name]
