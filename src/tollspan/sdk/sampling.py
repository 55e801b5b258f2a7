"""Which spans to record, from the settings."""

from __future__ import annotations

from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased

from tollspan.sdk.settings import Settings


def choose_sampler(settings: Settings) -> Sampler | None:
    """The sampler that was passed, else one for `sample_rate`; None leaves it to OTEL_TRACES_SAMPLER.

    At a rate a trace is recorded whole or not at all: who begins it decides, by its id,
    and everybody else does as their caller did.
    """
    if settings.sampler is not None or settings.sample_rate is None:
        return settings.sampler
    return ParentBased(TraceIdRatioBased(settings.sample_rate))
