"""Can the endpoint be reached: name, connection, certificate, clock?"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tollspan.errors import RetryableError
from tollspan.oauth2.proxy import find_proxy
from tollspan.sdk.doctor.finding import Finding, ok, problem, warning
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings

TIMEOUT_S = 5.0
CERTIFICATE_DAYS_MIN = 14
SKEW_WARNING_S, SKEW_PROBLEM_S = 5, 60
"""Verifiers of access tokens forgive about a minute."""


def check_network(url: str, settings: Settings) -> Iterator[Finding]:
    """One finding for each step on the way to `url`, up to the first that fails."""
    parts = urlsplit(url)
    topic = f"{parts.scheme}://{parts.netloc}"
    proxy = find_proxy(url)
    if proxy is not None:
        parts = urlsplit(proxy)
        yield ok(topic, f"is reached by the proxy {parts.hostname} (HTTPS_PROXY, NO_PROXY)")
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port)})
    except OSError as error:
        yield problem(topic, f"{host} has no address ({error.strerror})", "check the host name, and DNS here")
        return
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            yield ok(topic, f"port {port} of {host} ({addresses[0]}) is open")
            if parts.scheme == "https" and proxy is None:
                yield _check_certificate(topic, host, connection, settings)
    except OSError as error:
        why = error.strerror or type(error).__name__
        yield problem(
            topic,
            f"port {port} of {host} gives no connection ({why})",
            "is it up (a sidecar: what does its log say)? is a firewall between?",
        )


def check_clock(url: str, settings: Settings, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """How far this machine's clock is from that of the server at `url`, as far as it says."""
    transport = HTTPTransport(settings)
    try:
        answer = transport.request("GET", url, headers={}, timeout_s=TIMEOUT_S, bytes_max=1)
        server_s = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (RetryableError, ValueError):
        return
    finally:
        transport.close()
    skew_s = round(clock() - server_s)
    fact = f"differs by {skew_s} s from that of {urlsplit(url).hostname}"
    if abs(skew_s) >= SKEW_PROBLEM_S:
        yield problem(
            "clock", fact, "set the clock (NTP): access tokens are refused, spans lie in the wrong place"
        )
    elif abs(skew_s) >= SKEW_WARNING_S:
        yield warning("clock", fact, "set the clock (NTP)")
    else:
        yield ok("clock", fact)


def _check_certificate(topic: str, host: str, connection: socket.socket, settings: Settings) -> Finding:
    try:
        context = ssl.create_default_context(cafile=settings.certificate_file)
        if settings.client_certificate_file is not None:
            context.load_cert_chain(settings.client_certificate_file, settings.client_key_file)
        with context.wrap_socket(connection, server_hostname=host) as encrypted:
            certificate = encrypted.getpeercert() or {}
            version = encrypted.version()
    except ssl.SSLCertVerificationError as error:
        return problem(
            topic,
            f"its certificate is not trusted: {error.verify_message}",
            "set TOLLSPAN_CERTIFICATE_FILE to its CA",
        )
    except (OSError, ValueError) as error:
        return problem(
            topic, f"speaks no TLS with us ({type(error).__name__})", "is it https? are our TLS files right?"
        )
    days = round((ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400)
    if days < CERTIFICATE_DAYS_MIN:
        return warning(topic, f"its certificate ends in {days} days", "have it renewed")
    return ok(topic, f"{version}, certificate good for {days} days")
