"""Our SDK sends to rotel, a Rust collector published on PyPI, and rotel to a destination."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from helpers.otlp_peer import OTLPPeer, running_peer
from helpers.ports import free_port
from helpers.sending import Sending
from helpers.wheels import installed
from tollspan.otlp.http_exchange import Delivered


class Rotel(NamedTuple):
    http: str
    grpc: str
    destination: OTLPPeer


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def rotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotel]:
    agent = installed("rotel==0.0.1a15") / "rotel" / "rotel-agent"
    http, grpc = free_port(), free_port()
    with running_peer() as destination:
        command = [
            *(agent, "start", "--pid-file", tmp_path_factory.mktemp("rotel") / "pid"),
            *("--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
            *("--exporter", "otlp", "--otlp-exporter-endpoint", destination.url),
            *("--otlp-exporter-protocol", "http", "--batch-timeout", "50ms"),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not (is_listening(http) and is_listening(grpc)):
                assert process.poll() is None, "rotel ended by itself"
            yield Rotel(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{grpc}", destination)
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_what_we_send_comes_out_of_rotel(rotel: Rotel, protocol: str, compression: str) -> None:
    name = f"{protocol}, {compression}"
    sending = Sending(
        destination="collector",
        endpoint=rotel.grpc if protocol == "grpc" else rotel.http,
        protocol=protocol,
        compression=compression,
    )
    assert sending.send(name) == Delivered()
    rotel.destination.wait(lambda: name in rotel.destination.stored)
    assert rotel.destination.stored[name] == 1
