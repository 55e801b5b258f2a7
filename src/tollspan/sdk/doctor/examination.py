"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tollspan.sdk.doctor.delivery_check import check_delivery
from tollspan.sdk.doctor.finding import Finding, Verdict
from tollspan.sdk.doctor.network_check import check_clock, check_network
from tollspan.sdk.doctor.program_check import check_program
from tollspan.sdk.doctor.settings_check import check_settings, read_all


def examine(
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    instrumentations: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """All findings about these arguments of `init`, in the order in which one would look. Sends a test span.

    `instrumentations` are their states in this process, if it is the program in question.
    """
    yield from check_settings(arguments, environ)
    settings = read_all(arguments, environ)
    sent = {signal: found for signal, found in settings.items() if found.url is not None}
    reached = []
    for found in {found.endpoint: found for found in sent.values()}.values():
        findings = list(check_network(str(found.url), found))
        yield from findings
        reached += [found] if all(finding.verdict is not Verdict.PROBLEM for finding in findings) else []
    if reached and len(reached) == len({found.endpoint for found in sent.values()}):
        if reached[0].protocol != "grpc":
            yield from check_clock(str(reached[0].endpoint), reached[0])
        yield from check_delivery(sent)
    yield from check_program(next(iter(settings.values())), environ, instrumentations)
