"""What is wrong with settings that are each readable: what is missing, contradicts, or is not safe.

No problem quotes a value, which may be a secret. `origins` tells where each setting that was
found comes from: what a user would look for to change it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tollspan.errors import ConfigError
from tollspan.oauth2.loopback import is_loopback
from tollspan.otlp.signals import Signal
from tollspan.sdk.destinations import DESTINATIONS, Destination

if TYPE_CHECKING:
    from tollspan.sdk.settings import Settings

_OAUTH2_SETTINGS = ("client_id", "client_secret", "private_key_file")

_PROOF_SETTINGS = {
    "client_secret_basic": "client_secret",
    "client_secret_post": "client_secret",
    "private_key_jwt": "private_key_file",
    "tls_client_auth": "client_certificate_file",
}


_FILES = ("private_key_file", "certificate_file", "client_certificate_file", "client_key_file")


class Found(NamedTuple):
    """A value as it was given, and what a user would look for to change it."""

    value: Any
    origin: str


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return f"TOLLSPAN_{name.upper()}"


def choose_credential(
    found: dict[str, Found], arguments: Mapping[str, Any], destination: Destination
) -> Iterator[ConfigError]:
    """Leave in `found` the credential to send: one that the destination knows, and passed before set."""
    for name in ("client_id", "api_key"):
        if name in found and name not in destination.credentials:
            yield ConfigError(found[name].origin, "is ignored: the destination asks for no such credential")
            _leave_out(name, found)
    if "api_key" not in found or "client_id" not in found:
        return
    passed = [name for name in ("client_id", "api_key") if name in arguments]
    _leave_out("client_id" if passed == ["api_key"] else "api_key", found)
    if len(passed) != 1:
        yield ConfigError("api_key", "is ignored beside client_id", "set one of them")


def leave_out_dataset(found: dict[str, Found], destination: Destination) -> Iterator[ConfigError]:
    """Leave no dataset in `found` for a destination that has none."""
    if "dataset" in found and not destination.dataset_headers:
        yield ConfigError(found.pop("dataset").origin, "is ignored: the destination has no datasets")


def _leave_out(credential: str, found: dict[str, Found]) -> None:
    for name in (credential,) if credential == "api_key" else _OAUTH2_SETTINGS:
        found.pop(name, None)


def find_faults(settings: Settings, origins: Mapping[str, str], signal: Signal) -> Iterator[ConfigError]:
    """Why nothing of `signal` can be sent, or not safely."""
    if settings.protocol == "grpc" and find_spec("grpc") is None:
        yield ConfigError(origins["protocol"], "needs grpcio", "pip install 'tollspan[grpc]'")
    yield from _endpoint_faults(settings, origins)
    yield from _credential_faults(settings, origins)
    destination = DESTINATIONS[settings.destination]
    if destination.credentials_needed and not (settings.client_id or settings.api_key):
        yield _needed(
            destination.credentials[0], f"is not set, and {settings.destination} asks for it", destination
        )
    if destination.dataset_needed and signal.value not in settings.dataset:
        yield _needed("dataset", f"is not set for {signal.value}", destination)


def find_unusable_paths(settings: Settings, origins: Mapping[str, str]) -> Iterator[ConfigError]:
    """Files that cannot be read now, and a spool that cannot be written: no reason to stop."""
    for name in _FILES:
        path = getattr(settings, name)
        if path is not None and not (Path(path).exists() and os.access(path, os.R_OK)):
            yield ConfigError(origins[name], "its file cannot be read", "it will be tried again")
    if settings.spool is not None:
        spool = Path(settings.spool).absolute()
        there = next(folder for folder in (spool, *spool.parents) if folder.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            yield ConfigError(origins["spool"], "its folder cannot be written", "it will be tried again")


def _needed(name: str, problem: str, destination: Destination) -> ConfigError:
    names = (variable(name), *destination.variables.get(name, ()))
    return ConfigError(name, problem, "set " + " or ".join(names))


def _endpoint_faults(settings: Settings, origins: Mapping[str, str]) -> Iterator[ConfigError]:
    if "endpoint" not in origins:
        yield ConfigError("endpoint", "is not set, so no telemetry is sent", "set TOLLSPAN_ENDPOINT")
    if settings.allow_insecure or not (settings.client_id or settings.api_key):
        return
    for name in ("endpoint", "token_url"):
        url = getattr(settings, name)
        if url is not None and url.startswith("http:") and not is_loopback(url):
            advice = "use https, or set TOLLSPAN_ALLOW_INSECURE=true"
            yield ConfigError(origins[name], "would send credentials unencrypted", advice)


def _credential_faults(settings: Settings, origins: Mapping[str, str]) -> Iterator[ConfigError]:
    if settings.protocol == "grpc" and settings.client_id and settings.token_url is None:
        yield ConfigError("token_url", "cannot be found over gRPC", "set TOLLSPAN_TOKEN_URL")
    proof = _PROOF_SETTINGS[settings.auth_method]
    if settings.client_id and not getattr(settings, proof):
        yield ConfigError(origins["client_id"], "is of no use alone", f"set {variable(proof)} too")
    for name in _OAUTH2_SETTINGS[1:]:
        if getattr(settings, name) and not (settings.client_id or settings.api_key):
            yield ConfigError(origins[name], "is of no use alone", "set TOLLSPAN_CLIENT_ID too")
    if "api_key" in origins and not (settings.api_key or settings.client_id):
        yield ConfigError(origins["api_key"], "is needed, so no telemetry is sent")
