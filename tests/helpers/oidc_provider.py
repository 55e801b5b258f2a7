"""npm's oidc-provider, a certified authorization server, on a free port for the length of a block."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from helpers.npm import installed, node

STOP_TIMEOUT_S = 30

SETTINGS: dict[str, Any] = {
    "audience": "https://telemetry.example",
    "scopes": ["write:traces", "read:traces"],
    "claims": ["groups", "org"],
    "account": {},
    "token_claims": {},
    "clients": [],
}


@contextmanager
def oidc_provider(**settings: Any) -> Iterator[str]:
    """The issuer's URL; `settings` replace those above."""
    process = subprocess.Popen(
        [node(), installed("oidc_provider") / "provider.mjs", json.dumps(SETTINGS | settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate(timeout=STOP_TIMEOUT_S)


def machine(client_id: str = "machine") -> Mapping[str, Any]:
    """A client that may have tokens for itself."""
    return {
        "client_id": client_id,
        "client_secret": "secret",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
    }


def browser(client_id: str = "dashboard", *callbacks: str) -> Mapping[str, Any]:
    """A client that people sign in to."""
    return {
        "client_id": client_id,
        "client_secret": "secret+with/odd=signs",
        "grant_types": ["authorization_code"],
        "redirect_uris": list(callbacks),
        "response_types": ["code"],
    }


def sign_in_at(http: httpx.Client, url: str, login: str = "ada") -> str:
    """Go through the provider's own pages, from where a gateway sent the browser; where they lead back to."""
    issuer = url.partition("/auth")[0]
    while url.startswith(issuer):
        answer = http.get(url)
        if answer.is_success:
            action = re.search(r'action="([^"]+)"', answer.text)[1]
            prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)[1]
            answer = http.post(action, data={"prompt": prompt, "login": login, "password": "any"})
        url = str(httpx.URL(url).join(answer.headers["Location"]))
    return url
