"""Sockets for listeners."""

from __future__ import annotations

import socket

from tollspan.collector.config.values import split_endpoint
from tollspan.errors import ConfigError


def bind(endpoint: str) -> socket.socket:
    """A socket that listens at `endpoint` (`host:port`); ConfigError when that cannot be."""
    host, port = split_endpoint(endpoint)
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)  # noqa: S104 - as asked
        # IPv4 first, as Go's net.Listen and so the Collector does for localhost.
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise ConfigError("", f"cannot listen on {endpoint}: {error.strerror or error}") from error


def dialable_host(endpoint: str) -> str:
    """The host under which a listener at `endpoint` can be reached from here, as URLs write it."""
    host, _ = split_endpoint(endpoint)
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
