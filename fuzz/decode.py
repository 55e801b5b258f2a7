"""Mutated export requests against the decoder and the splitter: only documented errors, only sound columns.

    python fuzz/decode.py --seconds 60 [--seed 1]

runs random mutations and prints the input that broke a promise, if one did. With atheris
installed (`pip install atheris`) the same target runs under libFuzzer, which keeps what it
finds in a corpus folder and takes its own options:

    python fuzz/decode.py --atheris corpus/ -max_len=4096

Build the compiled modules with `CFLAGS=-fsanitize=address` and preload the compiler's libasan
(`LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0`) to see stray reads.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.otlp_strategies import REQUESTS
from helpers.scrambled_wire import scramble
from tollspan.errors import LimitError, WireError
from tollspan.otlp import _decode, _reshape, schema
from tollspan.otlp.signals import Signal

SIGNALS = list(Signal)
# The longest varints, a group's start and end, and empty messages.
NASTY = [b"\xff" * 10, b"\x80" * 9 + b"\x01", b"\x0b", b"\x0c", b"\x0a\x00", b"\x12\x00"]


def try_one_input(data: bytes) -> None:
    """The first byte chooses the signal and the size of parts, the rest is the request."""
    if not data:
        return
    signal, wire = SIGNALS[data[0] % len(SIGNALS)], data[1:]
    items = tried(wire, lambda: _reshape.count(signal.value, wire))
    parts = tried(wire, lambda: _reshape.split(signal.value, wire, 1 + data[0] // len(SIGNALS)))
    if parts is not None:
        assert sum(_reshape.count(signal.value, part) for part in parts) == items
    decoded = tried(wire, lambda: _decode.decode(signal.value, wire, items_max=1000))
    if decoded is not None:
        check_columns(signal, decoded)


def tried(wire: bytes, call: Callable[[], Any]) -> Any:
    """The result, or None after an error that the caller was promised."""
    try:
        return call()
    except LimitError:
        return None
    except WireError as refused:
        if not 0 <= refused.offset <= len(wire):
            raise AssertionError("the offset lies outside the message") from refused
        return None


def check_columns(signal: Signal, decoded: _decode.Decoded) -> None:
    """Every cell can be read, and every offset and row number points at a row."""
    assert len(decoded.problems) <= min(5, decoded.rejected)
    tables = decoded.tables
    for table in schema.TABLES[signal]:
        columns = tables[table.name].columns
        for column in table.columns:
            cells = list(columns[column.name])
            assert len(cells) == tables[table.name].rows
            if column.child:
                ends = memoryview(columns[column.name].data).tolist()
                assert ends == sorted(ends)
                assert ends[0] == 0
                assert ends[-1] == tables[column.child].rows
            elif f"{column.name}s" in tables:
                assert all(row < tables[f"{column.name}s"].rows for row in cells)


def random_message(descriptor: Descriptor, random: Random, depth: int) -> Any:
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if depth <= 0 or random.random() < 0.4:
            continue
        values = [random_value(field, random, depth) for _ in range(random.randrange(1, 4))]
        if field.is_repeated:
            getattr(message, field.name).extend(values)
        elif field.message_type:
            getattr(message, field.name).CopyFrom(values[0])
        else:
            setattr(message, field.name, values[0])
    return message


def random_value(field: FieldDescriptor, random: Random, depth: int) -> Any:
    if field.message_type:
        return random_message(field.message_type, random, depth - 1)
    if field.type == FieldDescriptor.TYPE_STRING:
        return random.choice(["", "k", "a key", "ключ", "a longer text, of more than sixteen bytes"])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return random.randbytes({"trace_id": 16}.get(field.name, 8))
    return random.choice([0, 1, 100, 2**31 - 1])


def mutate(wire: bytearray, random: Random) -> None:
    at = random.randrange(len(wire) + 1)
    end = min(len(wire), at + random.randrange(1, 16))
    kind = random.randrange(6)
    if kind == 0 and at < len(wire):
        wire[at] ^= 1 << random.randrange(8)
    elif kind == 1 and at < len(wire):
        wire[at] = random.choice([0, 1, 2, 0x7F, 0x80, 0xFF, random.randrange(256)])
    elif kind == 2:
        del wire[at:end]
    elif kind == 3:
        wire[at:at] = wire[at:end]
    elif kind == 4:
        wire[at:at] = random.choice(
            [b"\xff" * 10, b"\x80" * 9 + b"\x01", b"\x0b", b"\x0c", b"\x0a\x00", b"\x12\x00"]
        )
    else:
        del wire[at:]


def run(seconds: float, seed: int) -> int:
    """Exit status: 1 after an input that broke a promise, which is printed."""
    random = Random(seed)
    end = time.monotonic() + seconds
    runs = 0
    while time.monotonic() < end:
        number = random.randrange(len(SIGNALS))
        request = random_message(REQUESTS[SIGNALS[number]].DESCRIPTOR, random, depth=8)
        sound = bytes([number + len(SIGNALS) * random.randrange(4)]) + scramble(request, random)
        for _ in range(200):
            data = bytearray(sound)
            for _ in range(random.randrange(6)):
                mutate(data, random)
            runs += 1
            try:
                try_one_input(bytes(data))
            except Exception as error:
                print(f"after {runs} runs: {error!r}\n{data.hex()}")
                return 1
    print(f"{runs} runs, nothing found")
    return 0


def main() -> int:
    if "--atheris" in sys.argv:
        import atheris  # noqa: PLC0415  # optional, and only needed here

        sys.argv.remove("--atheris")
        atheris.Setup(sys.argv, try_one_input)
        atheris.Fuzz()
    parser = argparse.ArgumentParser(description="Fuzz the decoder.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    return run(arguments.seconds, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
