from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tollspan.sdk.doctor.finding import Verdict
from tollspan.sdk.doctor.program_check import check_program
from tollspan.sdk.settings import Settings

QUIET = Settings(instrument=False)


def topics(settings: Settings, verdict: Verdict, **environ: str) -> dict[str, str]:
    return {
        finding.topic: finding.fact
        for finding in check_program(settings, environ)
        if finding.verdict is verdict
    }


def test_versions_are_told():
    assert topics(QUIET, Verdict.OK)["versions"].startswith("Python 3")


@pytest.mark.parametrize(
    ("environ", "topic", "verdict"),
    [
        ({"OTEL_PROPAGATORS": "tracecontext,bagage"}, "OTEL_PROPAGATORS", Verdict.PROBLEM),
        (
            {"PYTHONPATH": "/x/opentelemetry/instrumentation/auto_instrumentation"},
            "PYTHONPATH",
            Verdict.WARNING,
        ),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG", Verdict.WARNING),
    ],
)
def test_a_hazard_of_the_environment_is_found(environ: dict[str, str], topic: str, verdict: Verdict):
    assert topic in topics(QUIET, verdict, **environ)
    assert topic not in topics(QUIET, verdict)


def test_grpc_and_fork_do_not_mix():
    settings = Settings(instrument=False, protocol="grpc")

    assert "fork" in topics(settings, Verdict.WARNING)
    assert "fork" not in topics(settings, Verdict.WARNING, GRPC_ENABLE_FORK_SUPPORT="1")


def test_the_instrumentations_are_told():
    # In a process of its own, as they stay on.
    code = """if True:
        import json
        from tollspan.sdk.doctor.program_check import check_program
        from tollspan.sdk.settings import Settings
        print(json.dumps([str(finding) for finding in check_program(Settings(disable=("flask",)), {})]))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    said = "\n".join(json.loads(done.stdout))
    assert "instrumentations: disabled: flask" in said
    assert "requests" in said
