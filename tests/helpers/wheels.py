"""Published packages beside our own: each in a folder of its own, fetched from PyPI once per environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path


def installed(requirement: str) -> Path:
    """The folder that holds `requirement` ("name==version"), without what it depends on."""
    folder = Path(sys.prefix) / "peers" / requirement.replace("==", "-")
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            target = Path(scratch) / "wheel"
            pip = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--target",
                target,
                requirement,
            ]
            subprocess.run(pip, check=True, timeout=280)
            try:
                target.rename(folder)
            except OSError:
                assert folder.exists(), "another worker was faster"
    return folder


def environment(requirement: str) -> Path:
    """The folder of programs of an environment that has `requirement` and all that it depends on."""
    folder = Path(sys.prefix) / "peers" / requirement.replace("==", "-env-")
    done = folder / ".installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", "--quiet", requirement], check=True
        )
        done.touch()
    return folder / "bin"


def run_with(folders: Sequence[Path], script: str, *arguments: str) -> str:
    """What `script` printed, run with the packages in `folders`; it has ended well."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("TOLLSPAN_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
