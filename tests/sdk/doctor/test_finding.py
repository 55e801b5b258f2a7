from tollspan.sdk.doctor.finding import ok, problem


def test_a_finding_is_a_line_and_its_cure_another():
    assert str(ok("clock", "differs by 0 s")) == "ok        clock: differs by 0 s"
    assert str(problem("traces", "HTTP 401", "check the secret")).splitlines() == [
        "problem   traces: HTTP 401",
        "          → check the secret",
    ]
