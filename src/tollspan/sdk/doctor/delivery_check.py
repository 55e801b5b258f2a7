"""Is there an access token, what does it allow, and is telemetry taken with it?"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.encoding import encode_spans
from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Refused, Unauthorized
from tollspan.otlp.signals import Signal
from tollspan.sdk.doctor.finding import Finding, ok, problem, warning
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.resource import build_resource
from tollspan.sdk.senders import new_sender
from tollspan.sdk.settings import Settings
from tollspan.sdk.token_fetch import TokenFetch

TEST_SPAN = "tollspan doctor"

TOKEN_CURES = {
    "invalid_client": "check client id and secret; the client may have been revoked",
    "invalid_scope": "ask for scopes that the client has (TOLLSPAN_SCOPES)",
    "invalid_target": "check TOLLSPAN_AUDIENCE",
    "unauthorized_client": "allow the client the grant client_credentials",
    "unreachable": "check TOLLSPAN_TOKEN_URL, and whether it can be reached from here",
    "invalid_configuration": "see the setting that is named",
}

STATUS_CURES = {
    401: "check client id and secret or the key, and TOLLSPAN_AUDIENCE",
    403: "give the credential the permission write:{signal}",
    404: "check the endpoint, a path is added to it; or leave {signal} out of TOLLSPAN_SIGNALS",
}


def check_delivery(settings: Mapping[Signal, Settings]) -> Iterator[Finding]:
    """The access token, then an answer for each signal: one test span, and requests without items."""
    first = next(iter(settings.values()))
    token_source = None
    if first.client_id is not None:
        fetch = TokenFetch(first, HTTPTransport(first))
        started_s = time.perf_counter()
        try:
            access_token = fetch()
        except TokenRequestError as error:
            cure = TOKEN_CURES.get(error.code, "read the log of the token endpoint; it may limit requests")
            yield problem("access token", str(error), cure)
            return
        yield from _check_token(access_token, settings, time.perf_counter() - started_s)
        token_source = TokenSource(fetch)
    for signal, found in settings.items():
        sender = new_sender(signal, found, HTTPTransport(found), token_source)
        body = encode_spans([_test_span(found)]).body if signal is Signal.TRACES else b""
        outcome = sender.send(body, "identity", found.export_timeout_s)
        sender.close()
        yield _judge(signal, outcome)


def _check_token(
    access_token: AccessToken, settings: Mapping[Signal, Settings], spent_s: float
) -> Iterator[Finding]:
    claims = read_claims(access_token.value.reveal())
    facts = [f"fetched in {spent_s * 1000:.0f} ms, lasts {access_token.expires_in_s:.0f} s"]
    facts += [f"{name} {claims[name]}" for name in ("iss", "aud", "scope") if name in claims]
    yield ok("access token", ", ".join(facts))
    wanted = next(iter(settings.values())).audience
    audiences = claims.get("aud", wanted)
    if wanted is not None and wanted not in (audiences if isinstance(audiences, list) else [audiences]):
        yield problem("access token", f"it is for {audiences}, not for {wanted}", "check TOLLSPAN_AUDIENCE")
    scopes = set(str(claims.get("scope", "")).split()) | set(access_token.granted_scopes)
    missing = [f"write:{signal.value}" for signal in settings if f"write:{signal.value}" not in scopes]
    if missing and any(scope.startswith("write:") for scope in scopes):
        yield warning(
            "access token", f"it does not say {', '.join(missing)}", "see what becomes of the signal below"
        )


def read_claims(access_token: str) -> dict[str, Any]:
    """What a JWT says, unverified; nothing for any other token."""
    try:
        payload = access_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _test_span(settings: Settings) -> ReadableSpan:
    provider = TracerProvider(resource=build_resource(settings), sampler=ALWAYS_ON, shutdown_on_exit=False)
    span = provider.get_tracer("tollspan").start_span(TEST_SPAN)
    span.end()
    assert isinstance(span, ReadableSpan), "always sampled"
    return span


def _judge(signal: Signal, outcome: Outcome) -> Finding:
    topic = signal.value
    if isinstance(outcome, Delivered) and not outcome.rejected:
        what = f"the span {TEST_SPAN!r} was taken" if signal is Signal.TRACES else "would be taken"
        return ok(topic, what)
    if isinstance(outcome, Delivered):
        return problem(topic, f"rejected: {outcome.message}", "ask the destination what it does not like")
    if isinstance(outcome, Later):
        return problem(topic, f"not taken now: {outcome.reason}", "telemetry waits and is sent when it is")
    status = (
        401 if isinstance(outcome, Unauthorized) else outcome.status if isinstance(outcome, Refused) else 413
    )
    cure = STATUS_CURES.get(status, "check the endpoint: is that an OTLP receiver?")
    return problem(topic, outcome.reason, cure.format(signal=signal.value))
