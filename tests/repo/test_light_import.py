"""Importing the SDK pulls in no server dependency, and importing the package pulls in nothing at all."""

import subprocess
import sys

HEAVY = {"chdb", "fastapi", "grpc", "httpx", "joserfc", "msgspec", "numpy", "pandas", "pyarrow", "pydantic",
         "requests", "sqlalchemy", "starlette", "structlog", "uvicorn", "yaml"}  # fmt: skip


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_neither_opentelemetry_nor_urllib3():
    assert not modules_after("import tollspan") & ({"opentelemetry", "urllib3"} | HEAVY)


def test_initialising_the_sdk_loads_no_server_dependency():
    loaded = modules_after("import tollspan; tollspan.init('a-service', endpoint='http://127.0.0.1:1')")

    assert "opentelemetry" in loaded
    assert not loaded & HEAVY
