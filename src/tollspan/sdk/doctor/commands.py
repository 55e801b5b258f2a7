"""`tollspan doctor`: the settings in the environment, the way to the destination, and what is installed."""

from __future__ import annotations

import argparse
import json
import logging
import os
from dataclasses import asdict

from tollspan.sdk.doctor.examination import examine
from tollspan.sdk.doctor.finding import Verdict


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
    for finding in examine({}, os.environ):
        findings.append(finding)
        if not arguments.json:
            print(finding, flush=True)
    healthy = all(finding.verdict is not Verdict.PROBLEM for finding in findings)
    if arguments.json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
    return 0 if healthy else 1
