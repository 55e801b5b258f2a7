"""TLS as the Collector's YAML describes it, for clients and for listeners (collector `configtls`)."""

from __future__ import annotations

import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from tollspan.collector.config.values import Duration, Opaque
from tollspan.errors import ConfigError

_log = structlog.get_logger()


class TLSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What clients and listeners have in common."""

    cert_file: str = ""
    cert_pem: Opaque | None = None
    key_file: str = ""
    key_pem: Opaque | None = None
    min_version: Literal["1.2", "1.3"] = "1.2"
    max_version: Literal["", "1.2", "1.3"] = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        for part, what in (("ca", "CA"), ("cert", "certificate"), ("key", "key")):
            if getattr(self, f"{part}_file", "") and getattr(self, f"{part}_pem", None):
                yield ConfigError("", f"provide either a {what} file or the PEM-encoded string, but not both")
        if bool(self.cert_file or self.cert_pem) != bool(self.key_file or self.key_pem):
            yield ConfigError("", "a certificate needs its key, and a key its certificate")
        if self.max_version and self.min_version > self.max_version:
            yield ConfigError("", "invalid TLS configuration: min_version cannot be greater than max_version")

    def read(self, part: Literal["ca", "cert", "key"]) -> bytes | None:
        """That part in PEM, None when it is not configured; ConfigError when its file cannot be read."""
        path: str = getattr(self, f"{part}_file")
        text = getattr(self, f"{part}_pem")
        if path:
            return read_pem(f"{part}_file", path)
        return text.reveal().encode() if text else None


class TLSClientConfig(TLSConfig, frozen=True, kw_only=True):
    """`tls` of whatever asks a server."""

    ca_file: str = ""
    ca_pem: Opaque | None = None
    include_system_ca_certs_pool: bool = False
    reload_interval_s: Duration = msgspec.field(default=0.0, name="reload_interval")
    insecure: bool = False
    insecure_skip_verify: bool = False
    server_name_override: str = ""

    def context(self) -> ssl.SSLContext:
        """The settings applied; ConfigError when a file or certificate cannot be used."""
        authorities = self.read("ca")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if authorities is None or self.include_system_ca_certs_pool:
            context.load_default_certs()
        if authorities is not None:
            load_authorities(context, "ca_file", authorities)
        load_own_certificate(context, self)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class TLSServerConfig(TLSConfig, frozen=True, kw_only=True):
    """`tls` of a listener; with `client_ca_file` its callers must show a certificate (mTLS)."""

    client_ca_file: str = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        yield from super().problems()
        if not (self.cert_file or self.cert_pem):
            yield ConfigError("", "a listener with TLS needs a certificate", "set cert_file and key_file")

    def context(self) -> ssl.SSLContext:
        """The settings applied; ConfigError when a file or certificate cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_own_certificate(context, self)
        if self.client_ca_file:
            load_authorities(context, "client_ca_file", read_pem("client_ca_file", self.client_ca_file))
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class ReloadedContext:
    """A client's context, made again from its files once `reload_interval` has passed (0: never).

    Files that cannot be used leave the context as it was: a certificate that is just
    being written must not stop what works.
    """

    def __init__(self, config: TLSClientConfig) -> None:
        self._config = config
        self._context = config.context()
        self._made_s = time.monotonic()

    def get(self) -> ssl.SSLContext:
        """The context for a connection that is made now."""
        now_s = time.monotonic()
        if 0 < self._config.reload_interval_s <= now_s - self._made_s:
            self._made_s = now_s
            try:
                self._context = self._config.context()
            except ConfigError as error:
                _log.warning("tls_files_not_reloaded", error=str(error))
        return self._context


def read_pem(key: str, path: str) -> bytes:
    """The file's bytes; ConfigError at `key` when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(key, f"cannot read {path}: {error.strerror or error}") from None


def load_authorities(context: ssl.SSLContext, key: str, pem: bytes) -> None:
    """The context trusts the authorities in `pem`; ConfigError at `key` when there are none."""
    try:
        context.load_verify_locations(cadata=pem.decode("ascii", "ignore"))
    except ssl.SSLError as error:
        raise ConfigError(key, f"holds no PEM certificate: {error.reason or error}") from None


def load_own_certificate(context: ssl.SSLContext, config: TLSConfig) -> None:
    """The context speaks the configured versions and shows the configured certificate, if there is one."""
    context.minimum_version = _VERSIONS[config.min_version]
    if config.max_version:
        context.maximum_version = _VERSIONS[config.max_version]
    certificate, key = config.read("cert"), config.read("key")
    if certificate is None or key is None:
        return
    # OpenSSL takes a certificate from a file only; the file is ours alone and gone right after.
    with tempfile.NamedTemporaryFile() as both:
        both.write(certificate + b"\n" + key)
        both.flush()
        try:
            context.load_cert_chain(both.name, password="")
        except ssl.SSLError as error:
            raise ConfigError("cert_file", f"certificate and key cannot be used: {error.reason}") from None


_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
