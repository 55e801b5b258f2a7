"""`python tests/sdk/matrix.py [VERSION …]`: the SDK's tests with other versions of OpenTelemetry.

Each version has an environment of its own under `.venv/matrix`, made once, in which the package
is imported from `src`: what was compiled for this Python is used as it is.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

VERSIONS = ("1.39", "1.42", "1.45")
"""The oldest that we support, one between, and the newest that is known to work."""

TESTS = (
    "tests/sdk",
    "tests/otlp/test_encode.py",
    "tests/otlp/test_encode_logs.py",
    "tests/otlp/test_encode_metrics.py",
    "tests/otlp/test_encoding.py",
)

OWN_WARNINGS = ("-W", "ignore:SelectableGroups:DeprecationWarning")
"""What OpenTelemetry itself is warned of: 1.42, when it is imported."""

ROOT = Path(__file__).parents[2]


def requirements() -> list[str]:
    """What the SDK, its extras and its tests ask for; not the gateway's store, nor its FastAPI of today."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = document["project"]["optional-dependencies"]
    parts = [document["project"]["dependencies"], *extras.values(), document["dependency-groups"]["dev"]]
    lines = [line for part in parts for line in part if not line.startswith(("tollspan[", "chdb"))]
    return ["fastapi" if line.startswith("fastapi") else line for line in lines]


def constraints(version: str) -> str:
    """That release of OpenTelemetry, and the one of its instrumentations that goes with it.

    Every package is named: left to find out by itself, pip takes minutes.
    """
    contrib = int(version.partition(".")[2]) + 21
    lines = []
    for name in {re.split("[>=< ]", line)[0] for line in requirements()} | {"opentelemetry-instrumentation"}:
        if re.match("opentelemetry-(instrumentation|distro)", name):
            lines.append(f"{name}>=0.{contrib}b0,<0.{contrib + 1}b0\n")
        elif name.startswith("opentelemetry-"):
            lines.append(f"{name}=={version}.*\n")
    return "".join(sorted(lines))


def environment(version: str) -> Path:
    """The Python that has this version."""
    folder = ROOT / ".venv" / "matrix" / version
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        file = folder / "constraints.txt"
        file.write_text(constraints(version))
        pip = [python, "-m", "pip", "install", "--quiet", "--prefer-binary", "-c", file, *requirements()]
        subprocess.run(pip, check=True)
        (next(folder.glob("lib/python*/site-packages")) / "tollspan.pth").write_text(f"{ROOT / 'src'}\n")
        done.touch()
    return python


def run(version: str) -> int:
    """The exit code of the tests with this version."""
    print(f"OpenTelemetry {version}", flush=True)  # noqa: T201 - a command line prints
    command = [environment(version), "-m", "pytest", "-q", "-n", "2", *OWN_WARNINGS, *TESTS]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(max([run(version) for version in sys.argv[1:] or VERSIONS]))
