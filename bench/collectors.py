"""Collectors under load, each in a process of its own: OTLP in → one processor → batch → OTLP/HTTP, gzip."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from bench.sink import running_sink
from bench.spans import TRACE_ID_BEGIN, build_wire

CONNECTIONS = 16
REQUESTS = {1: 12_000, 100: 1_500, 512: 400}
"""How many requests of so many spans a run sends."""

CONFIG = """
receivers:
  otlp:
    protocols:
      http: {{endpoint: "127.0.0.1:{http}"}}
      grpc: {{endpoint: "127.0.0.1:{grpc}"}}
processors:
  batch:
{processor}
exporters: {{otlp_http: {{endpoint: "{sink}"}}}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
  pipelines: {{traces: {{receivers: [otlp], processors: [{order}], exporters: [otlp_http]}}}}
"""

Command = Callable[[int, int, str, Path], list[str]]
"""What starts a collector, given its HTTP port, its gRPC port, the sink's URL and a folder."""


@dataclass(frozen=True)
class Traces:
    """What is sent over `protocol`: so many `spans` a request, in traces of `trace_size`."""

    protocol: str
    spans: int
    trace_size: int = 1
    settle_s: float = 1.0
    """After the last answer a collector still has its last batch to send."""


@dataclass(frozen=True)
class Figures:
    """CPU per span, and the most memory that was resident."""

    cpu_s: float
    memory_bytes: float


def tollspan_command(http: int, grpc_port: int, sink: str, folder: Path, *, processor: str = "") -> list[str]:
    """Tollspan, with the processor of this name and YAML before batch."""
    config = folder / "collector.yaml"
    order = f"{processor.partition(':')[0]}, batch" if processor else "batch"
    line = f"  {processor}"
    config.write_text(CONFIG.format(http=http, grpc=grpc_port, sink=sink, processor=line, order=order))
    return [sys.executable, "-m", "tollspan.cli", "collector", "--config", str(config)]


def rotel_command(http: int, grpc_port: int, sink: str, folder: Path, *, processor: str = "") -> list[str]:
    """Rotel, with a processor in Python, which is how it has filters and editors."""
    package = importlib.util.find_spec("rotel")
    assert package is not None, "rotel is not installed: pip install --group interop"
    agent = Path(str(package.origin)).parent / "rotel-agent"
    listen = ["--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc_port}"]
    send = ["--exporter", "otlp", "--otlp-exporter-endpoint", sink, "--otlp-exporter-protocol", "http"]
    if processor:
        (folder / "processor.py").write_text(processor)
        send += ["--otlp-with-trace-processor", str(folder / "processor.py")]
    return [str(agent), "start", *listen, *send]


def measure(command: Command, traces: Traces) -> Figures:
    """What a collector needs for these traces, after it has had a tenth of them to warm up."""
    requests = REQUESTS[traces.spans]
    with _running(command) as (pid, http, grpc_port):
        send = _send_http if traces.protocol == "http" else _send_grpc
        port = http if traces.protocol == "http" else grpc_port
        wires = [build_wire(seed, traces.spans, traces.trace_size) for seed in range(16)]
        asyncio.run(send(port, wires, range(requests, requests + requests // 10)))
        time.sleep(traces.settle_s)
        started = _cpu_s(pid)
        asyncio.run(send(port, wires, range(requests)))
        time.sleep(traces.settle_s)
        return Figures((_cpu_s(pid) - started) / (requests * traces.spans), _memory_peak(pid))


def _request(wires: list[bytes], number: int) -> bytes:
    """The request of that number, which has traces of its own."""
    return wires[number % len(wires)].replace(TRACE_ID_BEGIN, number.to_bytes(len(TRACE_ID_BEGIN)))


@contextmanager
def _running(command: Command) -> Iterator[tuple[int, int, int]]:
    http, grpc_port = _free_port(), _free_port()
    with running_sink() as sink, tempfile.TemporaryDirectory() as folder:
        arguments = command(http, grpc_port, sink, Path(folder))
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for port in (http, grpc_port):
                _wait_for(port)
            yield process.pid, http, grpc_port
        finally:
            process.terminate()
            process.wait(30)


async def _send_http(port: int, wires: list[bytes], requests: range) -> None:
    head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
    head += "Content-Length: {}\r\n\r\n"
    numbers = iter(requests)

    async def run() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            body = _request(wires, number)
            writer.write(head.format(len(body)).encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert answer.startswith(b"http/1.1 200"), answer
            lengths = [line for line in answer.split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0].split(b":")[1]))
        writer.close()

    await asyncio.gather(*(run() for _ in range(CONNECTIONS)))


async def _send_grpc(port: int, wires: list[bytes], requests: range) -> None:
    numbers = iter(requests)
    path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        export = channel.unary_unary(path)

        async def run() -> None:
            for number in numbers:
                await export(_request(wires, number))

        await asyncio.gather(*(run() for _ in range(CONNECTIONS)))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens at {port}")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
