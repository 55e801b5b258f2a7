"""`tollspan doctor`: the settings in the environment, the way to the destination, and what is installed."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from tollspan.sdk.doctor.delivery_check import check_delivery
from tollspan.sdk.doctor.finding import Finding, Verdict
from tollspan.sdk.doctor.network_check import check_clock, check_network
from tollspan.sdk.doctor.program_check import check_program
from tollspan.sdk.doctor.settings_check import check_settings, read_all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to show what was found."""
    parser.description = (
        "Looks at the variables of this environment, sends one test span, and says cause and cure. "
        "Exit code: 0 telemetry arrives, 1 it does not, 2 wrong usage."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Prints every finding; 1 if one of them keeps telemetry from arriving."""
    # Findings say it all, once.
    logging.getLogger("tollspan").disabled = True
    findings = []
    for finding in examine(os.environ):
        findings.append(finding)
        if not arguments.json:
            print(finding, flush=True)
    healthy = all(finding.verdict is not Verdict.PROBLEM for finding in findings)
    if arguments.json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
    return 0 if healthy else 1


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """All findings, in the order in which one would look."""
    yield from check_settings(environ)
    settings = read_all(environ)
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
    yield from check_program(next(iter(settings.values())), environ)
