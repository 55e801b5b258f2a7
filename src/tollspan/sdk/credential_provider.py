"""OAuth2 for the stock OTLP/HTTP exporters: OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER=tollspan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Unauthorized
from tollspan.sdk.authorization import Authorization
from tollspan.sdk.from_environment import authorization

TIMEOUT_S = 10.0
"""How long to wait for an access token; the exporter's own timeout is for its request."""


class AuthorisedSession(requests.Session):
    """Each request is authorised when it is made; redirects are not followed.

    A refused access token is replaced and the request sent once more (RFC 6750 §3.1).
    Without a token it is a ConnectionError, which the exporters try again.
    """

    def __init__(self, authorised_by: Authorization) -> None:
        super().__init__()
        self._authorization = authorised_by

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """The answer to `request`."""
        answers: list[requests.Response] = []

        def attempt(authorised: Mapping[str, str], _left_s: float) -> Outcome:
            request.headers.update(authorised)
            answers.append(super(AuthorisedSession, self).send(request, **kwargs))
            return Unauthorized("HTTP 401") if answers[-1].status_code == 401 else Delivered()

        outcome = self._authorization.attempt(attempt, TIMEOUT_S)
        if isinstance(outcome, Later):
            raise requests.ConnectionError(outcome.reason)
        return answers[-1]

    def get_redirect_target(self, _response: requests.Response) -> None:
        """No place: a credential goes nowhere but where it was meant for."""


def http_credentials() -> requests.Session:
    """A session with the credentials of TOLLSPAN_* variables; the exporter closes it."""
    return AuthorisedSession(authorization())
