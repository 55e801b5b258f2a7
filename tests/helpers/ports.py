"""Ports on this machine."""

import socket


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port
