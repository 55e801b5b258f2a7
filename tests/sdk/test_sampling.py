from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import tollspan
from tollspan.sdk.sampling import choose_sampler
from tollspan.sdk.settings import Settings


def recorded(settings: Settings, trace_id: int) -> bool:
    sampler = choose_sampler(settings)
    assert sampler is not None
    return sampler.should_sample(None, trace_id, "work").decision.is_sampled()


@pytest.mark.parametrize("rate", [0, 0.1, 0.5, 1])
def test_that_part_of_the_traces_is_recorded(rate: float):
    ids = [number * (2**64 // 1000) for number in range(1000)]

    assert sum(recorded(Settings(sample_rate=rate), trace_id) for trace_id in ids) == pytest.approx(
        1000 * rate, abs=1
    )


def test_a_sampler_that_is_passed_goes_first():
    assert choose_sampler(Settings(sampler=ALWAYS_OFF, sample_rate=1.0)) is ALWAYS_OFF


def test_without_a_rate_the_standard_variable_decides():
    assert choose_sampler(Settings()) is None


@pytest.mark.usefixtures("fresh_process")
def test_children_do_as_their_root_did():
    tollspan.init(sample_rate=0)
    tracer = trace.get_tracer("app")

    with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("child") as child:
        assert [root.is_recording(), child.is_recording()] == [False, False]


@pytest.mark.parametrize("rate", ["2", "-0.1", "nan", "half"])
def test_a_rate_that_is_none_is_said(monkeypatch, fresh_process, caplog, rate: str):
    monkeypatch.setenv("TOLLSPAN_SAMPLE_RATE", rate)

    tollspan.init()

    assert "TOLLSPAN_SAMPLE_RATE: cannot be read (write a number from 0 to 1)" in caplog.text
