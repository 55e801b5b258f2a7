from __future__ import annotations

from tollspan.sdk.doctor.finding import Finding, Verdict
from tollspan.sdk.doctor.settings_check import check_settings

IDENTITY = {
    "TOLLSPAN_ENDPOINT": "https://gateway",
    "OTEL_SERVICE_NAME": "shop",
    "TOLLSPAN_SERVICE_VERSION": "1.2",
    "TOLLSPAN_ENVIRONMENT": "staging",
}


def found(environ: dict[str, str], *verdicts: Verdict) -> dict[str, Finding]:
    return {
        finding.topic: finding
        for finding in check_settings({}, environ)
        if finding.verdict in (verdicts or tuple(Verdict))
    }


def test_it_says_where_each_setting_comes_from_and_not_what_it_is():
    environ = {**IDENTITY, "TOLLSPAN_CLIENT_ID": "shop-id", "TOLLSPAN_CLIENT_SECRET": "hunter22"}

    findings = list(check_settings({}, environ))

    assert "client_secret from TOLLSPAN_CLIENT_SECRET" in str(findings[0])
    assert "service_name from OTEL_SERVICE_NAME" in str(findings[0])
    assert "hunter22" not in "".join(map(str, findings))


def test_a_complete_environment_has_no_problem():
    assert found(IDENTITY, Verdict.PROBLEM, Verdict.WARNING) == {}


def test_each_wrong_setting_is_one_problem():
    environ = {**IDENTITY, "TOLLSPAN_ENDPOINT": "ftp://x", "TOLLSPAN_CLIENT_ID": "id"}

    problems = found(environ, Verdict.PROBLEM)

    assert set(problems) >= {"TOLLSPAN_ENDPOINT", "TOLLSPAN_CLIENT_ID"}
    assert all(finding.cure for finding in problems.values())


def test_who_does_not_say_who_it_is_is_warned():
    warnings = found({"TOLLSPAN_ENDPOINT": "https://gateway"}, Verdict.WARNING)

    assert set(warnings) == {"service.name", "service.version", "deployment.environment.name"}


def test_telemetry_that_is_switched_off_is_a_problem():
    assert "OTEL_SDK_DISABLED" in found({**IDENTITY, "OTEL_SDK_DISABLED": "true"}, Verdict.PROBLEM)
