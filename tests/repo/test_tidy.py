"""The repository keeps its own rules: sizes, names, compiled imports, a test module for each module."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "tollspan"
BASELINE = tomllib.loads((Path(__file__).parent / "tidy_baseline.toml").read_text())

LINES_MAX = {".py": 500, ".pyx": 800, ".ts": 300, ".tsx": 300}
FUNCTION_LINES_MAX = 70
COMPILED_IMPORTS = re.compile(r"^(libc|cpython|cython|tollspan\.otlp)\b")


def sources(*suffixes: str) -> Iterator[Path]:
    for folder in (SRC, ROOT / "ui" / "src"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in suffixes and "static" not in path.parts:
                yield path


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def too_long_files() -> dict[str, int]:
    lengths = {path: len(path.read_text().splitlines()) for path in sources(*LINES_MAX)}
    return {name_of(path): lines for path, lines in lengths.items() if lines > LINES_MAX[path.suffix]}


def too_long_functions() -> dict[str, int]:
    found = {}
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = body_lines(node)
                if lines > FUNCTION_LINES_MAX:
                    found[f"{name_of(path)}:{node.name}"] = lines
    return found


def test_no_file_is_longer_than_its_limit_or_its_written_exception():
    assert too_long_files() == BASELINE["files"]


def test_no_function_is_longer_than_its_limit_or_its_written_exception():
    assert too_long_functions() == BASELINE["functions"]


def test_compiled_modules_import_only_bytes_and_memory():
    strays = [
        f"{name_of(path)}: {line.strip()}"
        for path in sources(".pyx", ".pxd")
        for line in path.read_text().splitlines()
        if (match := re.match(r"\s*(?:from|cimport|import)\s+([\w.]+)", line))
        and not COMPILED_IMPORTS.match(match[1])
        and match[1] not in BASELINE["compiled_imports"]["allowed"]
    ]

    assert strays == []


def test_every_compiled_module_has_a_stub():
    assert [name_of(p) for p in sources(".pyx") if not p.with_suffix(".pyi").exists()] == []


def test_no_module_has_a_name_that_says_nothing():
    banned = {"utils", "util", "helpers", "common", "manager", "misc", "base"}

    assert [name_of(p) for p in sources(".py", ".pyx") if p.stem in banned] == []


def test_no_work_is_left_as_a_note_in_the_source():
    notes = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    left = [name_of(p) for p in sources(".py", ".pyx", ".pxd", ".ts", ".tsx") if notes.search(p.read_text())]

    assert left == []


def test_every_module_has_a_test_module_of_its_name():
    missing = []
    for path in sources(".py", ".pyx"):
        if SRC in path.parents and path.stem != "__init__":
            relative = path.relative_to(SRC)
            mirror = ROOT / "tests" / relative.parent / f"test_{path.stem.lstrip('_')}.py"
            if not mirror.exists() and relative.as_posix() not in BASELINE["mirror"]:
                missing.append(relative.as_posix())

    assert missing == []


def test_exceptions_of_the_mirror_rule_still_exist():
    assert [name for name in BASELINE["mirror"] if not (SRC / name).exists()] == []
