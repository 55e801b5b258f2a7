"""`python tests/sdk/matrix.py [VERSION[@PYTHON] …]`: the SDK's tests with other OpenTelemetry and Python.

PYTHON is a path; without one it is the Python that runs this. Each row has an environment of its own
under `.venv/matrix`, made once, in which the package is imported from `src`: what is compiled for one
Python lies there beside what is compiled for another.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
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

BIN_FOLDERS = (Path("/usr/bin"), Path("/usr/local/bin"), *Path.home().glob(".pyenv/versions/*/bin"))
"""Where other Pythons may be."""


def requirements() -> list[str]:
    """What the SDK, its extras and its tests ask for; not the gateway's store, nor its FastAPI of today."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = document["project"]["optional-dependencies"]
    parts = [
        document["build-system"]["requires"],
        document["project"]["dependencies"],
        *extras.values(),
        document["dependency-groups"]["dev"],
    ]
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


def environment(version: str, python: Path) -> Path:
    """The Python of the environment that has this version, with what `src` has compiled for it."""
    folder = ROOT / ".venv" / "matrix" / f"{version}-{python.resolve().name}"
    inside = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        file = folder / "constraints.txt"
        file.write_text(constraints(version))
        pip = [inside, "-m", "pip", "install", "--quiet", "--prefer-binary", "-c", file]
        subprocess.run([*pip, *requirements()], check=True)
        (next(folder.glob("lib/python*/site-packages")) / "tollspan.pth").write_text(f"{ROOT / 'src'}\n")
        done.touch()
    subprocess.run([inside, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=ROOT, check=True)
    return inside


def run(version: str, python: Path) -> int:
    """The exit code of the tests with this version."""
    print(f"OpenTelemetry {version}, {python.resolve().name}", flush=True)  # noqa: T201 - a command line prints
    command = [environment(version, python), "-m", "pytest", "-q", "-n", "2", *OWN_WARNINGS, *TESTS]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def newest_python() -> Path:
    """That of this machine, which may be the one that runs this."""
    found = {
        int(match[1]): path
        for folder in BIN_FOLDERS
        for path in folder.glob("python3.*")
        if (match := re.fullmatch(r"python3\.(\d+)", path.name))
    }
    newest = max(found, default=0)
    return found[newest] if newest > sys.version_info.minor else Path(sys.executable)


def rows() -> list[tuple[str, Path]]:
    """What the command line names, or each version with this Python, and the newest with the newest."""
    named = [row.partition("@") for row in sys.argv[1:]]
    every = [(version, sys.executable) for version in VERSIONS] + [(VERSIONS[-1], newest_python())]
    chosen = [(version, python or sys.executable) for version, _, python in named] or every
    return list(dict.fromkeys((version, Path(python)) for version, python in chosen))


if __name__ == "__main__":
    sys.exit(max([run(*row) for row in rows()]))
