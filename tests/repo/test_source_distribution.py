"""What is uploaded as the source distribution can be built and run."""

import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Compiling would take minutes, and put the .c files in: the sources have to be there by themselves.
WITHOUT_COMPILING = """
import sys, types
sys.modules["Cython.Build"] = types.SimpleNamespace(cythonize=lambda *_, **__: [])
sys.argv = ["setup.py", "--quiet", "egg_info", "--egg-base", sys.argv[1], "sdist", "--dist-dir", sys.argv[1]]
exec(compile(open("setup.py").read(), "setup.py", "exec"))
"""


def test_the_source_distribution_has_every_source_file(tmp_path):
    subprocess.run([sys.executable, "-c", WITHOUT_COMPILING, tmp_path], cwd=ROOT, check=True)
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    listed = subprocess.run(
        ["git", "ls-files", "src", "setup.py", "pyproject.toml", "LICENSE", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert listed
    assert [name for name in listed if name not in packed] == []
