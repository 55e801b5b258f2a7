"""Consistent probability sampling: randomness, rejection thresholds, and how records carry them.

Both are numbers of 56 bits; a record is sampled when its randomness is not below the threshold
(OpenTelemetry specification, "TraceState: Probability Sampling"). Numbers that come out of a
configuration are rounded as the Collector's `pkg/sampling` does, so that tiers of both agree.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from tollspan.otlp._fnv import fnv1a_32

BITS = 56
ALWAYS, NEVER = 0, 1 << BITS
"""The thresholds that no randomness is below, and that every one is."""

DIGITS = BITS // 4
PROBABILITY_MIN = 2.0**-BITS
HASH_BUCKETS = 1 << 14

_HEXADECIMAL = re.compile(r"[0-9a-f]{1,14}", re.ASCII)
_OT_LENGTH_MAX = 256


def threshold_of(probability: float, precision: int) -> int:
    """The threshold of a probability, to `precision` digits behind its leading zeros.

    NEVER when the probability is too small to be told.
    """
    if probability < PROBABILITY_MIN:
        return NEVER
    if probability >= 1:
        return ALWAYS
    reject = 1 - probability
    while reject * 16 < 1:
        reject *= 16
        precision += 1
    shift = 4 * max(0, DIGITS - precision)
    exact = NEVER - round(probability * NEVER)
    return (exact + (1 << shift >> 1)) >> shift << shift


def hash_threshold(percentage: float) -> int:
    """The threshold in `hash_seed` mode, which tells only 2^14 probabilities apart."""
    accepted = int(_float32(_float32(percentage) * _float32(HASH_BUCKETS / 100)))
    return (HASH_BUCKETS - min(accepted, HASH_BUCKETS)) << BITS - 14


def ratio_of(percentage: float) -> float:
    """The percentage as a probability, in the Collector's single precision."""
    return _float32(min(percentage, 100.0)) / 100


def _float32(number: float) -> float:
    rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return rounded


def probability_of(threshold: int) -> float:
    """What share of all records is not below the threshold."""
    return (NEVER - threshold) / NEVER


def hash_randomness(data: bytes, seed: int) -> int:
    """Randomness from a hash, whose first 14 bits are those that `hash_seed` mode decides by."""
    hashed = fnv1a_32(struct.pack("<I", seed) + data)
    bucket = hashed & HASH_BUCKETS - 1
    unused = hashed >> 18
    return (HASH_BUCKETS - 1 - bucket) << 42 | (unused ^ unused << 10) << 14 | bucket


def trace_randomness(trace_id: bytes) -> int:
    """The last 56 bits of a trace id (W3C Trace Context 2, "random trace id flag")."""
    return int.from_bytes(trace_id[-7:], "big")


def read_threshold(text: str) -> int:
    """From hexadecimal without its trailing zeros; ValueError when it is none."""
    return int(_hexadecimal(text).ljust(DIGITS, "0"), 16)


def read_randomness(text: str) -> int:
    """From fourteen hexadecimal digits; ValueError when it is none."""
    if len(_hexadecimal(text)) != DIGITS:
        raise ValueError("randomness has fourteen hexadecimal digits")
    return int(text, 16)


def _hexadecimal(text: str) -> str:
    if not _HEXADECIMAL.fullmatch(text):
        raise ValueError("not one to fourteen hexadecimal digits")
    return text


def threshold_text(threshold: int) -> str:
    """The opposite of `read_threshold`."""
    return f"{threshold:014x}".rstrip("0") or "0"


def randomness_text(randomness: int) -> str:
    """The opposite of `read_randomness`."""
    return f"{randomness:014x}"


@dataclass(slots=True)
class TraceState:
    """A W3C `tracestate`, of which the OpenTelemetry member is taken apart."""

    threshold: int | None
    randomness: int | None
    extra: list[str]
    """What else the member `ot` has."""
    others: list[str]
    """The other members."""

    def __str__(self) -> str:
        ot = [] if self.threshold is None else [f"th:{threshold_text(self.threshold)}"]
        if self.randomness is not None:
            ot.append(f"rv:{randomness_text(self.randomness)}")
        ot += self.extra
        return ",".join([f"ot={';'.join(ot)}"] * bool(ot) + self.others)


def read_trace_state(text: str) -> TraceState:
    """The members of a `tracestate` header; ValueError when its OpenTelemetry member is malformed."""
    state = TraceState(None, None, [], [])
    for member in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = member.partition("=")
        if name != "ot":
            state.others.append(member)
            continue
        if len(value) > _OT_LENGTH_MAX:
            raise ValueError("the member ot of the tracestate is too long")
        for field in filter(None, value.split(";")):
            key, _, content = field.partition(":")
            if key == "th":
                state.threshold = read_threshold(content)
            elif key == "rv":
                state.randomness = read_randomness(content)
            else:
                state.extra.append(field)
    return state
