"""How the values of settings are read: from the text of a variable, or from what a caller passed.

Each kind of value has one reader, which raises ValueError or TypeError for anything
else. Nobody shows those errors, as their texts quote the value, which may be a secret.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args
from urllib.parse import unquote, urlsplit

from tollspan.errors import ConfigError
from tollspan.oauth2.client_credentials import AuthMethod
from tollspan.oauth2.secret import Secret
from tollspan.otlp.signals import Signal
from tollspan.sdk.destinations import DESTINATIONS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.sampling import Sampler

Credential = Secret | Path
"""A text, or the file that holds it: mounted secrets change under a running process."""

UnitSource = str | Callable[[], object]
"""A fixed id, or a function without arguments that returns the id of the moment, or None."""


class Kind(NamedTuple):
    """A kind of value: what to write, and how that is read."""

    expected: str
    read: Callable[[Any], Any]


def read_credential(credential: Credential) -> Secret:
    """The text that `credential` is now. Raises ConfigError when its file cannot be read or is empty."""
    if isinstance(credential, Secret):
        return credential
    try:
        return _secret(credential.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(str(credential), f"holds no credential ({type(error).__name__})") from None


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError
    return value.strip()


def _url(value: str) -> str:
    url = _text(value).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    return url


def _secret(value: str) -> Secret:
    text = _text(value)
    if not re.fullmatch(r"[ -~]+", text):
        raise ValueError
    return Secret(text)


def _credential(value: str | Credential) -> Credential:
    return value if isinstance(value, Secret | Path) else _secret(value)


def _words(value: object) -> tuple[str, ...]:
    words = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
    return tuple(_text(word) for word in words)  # type: ignore[attr-defined]  # TypeError is the answer


def _pairs(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    pairs = [pair.partition("=") for pair in value.split(",")]  # type: ignore[attr-defined]
    if not all(key.strip() and equals for key, equals, _ in pairs):
        raise ValueError
    return {unquote(key.strip()): unquote(text.strip()) for key, _, text in pairs}


def _headers(value: object) -> dict[str, Secret]:
    headers = {name.lower(): text for name, text in _pairs(value).items()}
    if not all(re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", name) for name in headers):
        raise ValueError
    return {name: _secret(text) for name, text in headers.items()}


def _number(value: str | float) -> float:
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def _rate(value: str | float) -> float:
    rate = float(value)
    if not 0 <= rate <= 1:
        raise ValueError
    return rate


def _count(value: str | float) -> int:
    count = int(_number(value))
    if count != float(value):
        raise ValueError
    return count


def _flag(value: object) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
    except KeyError:
        raise ValueError from None


def _compression(value: object) -> str:
    try:
        return {"gzip": "gzip", "none": "identity"}[str(value)]
    except KeyError:
        raise ValueError from None


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: object) -> str:
        return words[words.index(str(value).strip())]

    return read


def _header_name(value: str) -> str:
    return next(iter(_headers({_text(value): "-"})))


def _datasets(value: object) -> dict[str, str]:
    """A name for each signal; one name alone is for all of them."""
    names = (
        value
        if isinstance(value, Mapping) or "=" in str(value)
        else {signal.value: str(value) for signal in Signal}
    )
    datasets = _pairs(names)
    if not datasets.keys() <= {signal.value for signal in Signal}:
        raise ValueError
    return {signal: _secret(name).reveal() for signal, name in datasets.items()}


def _signals(value: object) -> tuple[str, ...]:
    words = _words(value)
    if not set(words) <= {signal.value for signal in Signal}:
        raise ValueError
    return words


def _level(value: str | int) -> int:
    level = value if isinstance(value, int) else logging.getLevelName(value.strip().upper())
    if not isinstance(level, int) or isinstance(level, bool):
        raise ValueError
    return level


def _unit_source(value: UnitSource) -> UnitSource:
    return value if callable(value) else _text(value)


def _sampler(value: Sampler) -> Sampler:
    if not callable(getattr(value, "should_sample", None)):
        raise TypeError
    return value


TEXT = Kind("a text", _text)
URL = Kind("https://host or http://host:port, without user, query or fragment", _url)
CREDENTIAL = Kind("printable ASCII", _credential)
WORDS = Kind("words separated by spaces", _words)
PAIRS = Kind("name=value,name=value", _pairs)
HEADERS = Kind("name=value,name=value in printable ASCII", _headers)
NUMBER = Kind("a number above 0", _number)
RATE = Kind("a number from 0 to 1", _rate)
COUNT = Kind("a whole number above 0", _count)
FLAG = Kind("true or false", _flag)
COMPRESSION = Kind("gzip or none", _compression)
LEVEL = Kind("a level of logging, as INFO", _level)
FOLDER = Kind("a path", lambda value: _text(str(value)))
SIGNALS = Kind("some of traces,metrics,logs", _signals)
TEMPORALITY = Kind(
    "cumulative, delta or lowmemory", lambda value: _one_of("cumulative", "delta", "lowmemory")(value.lower())
)
HISTOGRAMS = Kind(
    "explicit_bucket_histogram or base2_exponential_bucket_histogram",
    _one_of("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
)
UNIT_SOURCE = Kind("a text, or pass a function without arguments", _unit_source)
DESTINATION = Kind(" or ".join(DESTINATIONS), _one_of(*DESTINATIONS))
DATASETS = Kind("a name, or traces=name,metrics=name,logs=name", _datasets)
PROTOCOL = Kind("http/protobuf or grpc", _one_of("http/protobuf", "grpc"))
AUTH_METHOD = Kind(" or ".join(get_args(AuthMethod)), _one_of(*get_args(AuthMethod)))
HEADER_NAME = Kind("the name of a header", _header_name)
SAMPLER = Kind("an opentelemetry.sdk.trace.sampling.Sampler", _sampler)
