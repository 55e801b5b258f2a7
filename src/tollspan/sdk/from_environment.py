"""What the entry points work with: they get no arguments, so that settings come from variables alone."""

from __future__ import annotations

import functools
import os

from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.signals import Signal
from tollspan.sdk.authorization import Authorization
from tollspan.sdk.events import Events
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings, read_settings
from tollspan.sdk.token_fetch import TokenFetch

events = Events()
"""What all of them have to say."""


def read_environment(signal: Signal) -> Settings:
    """The settings for `signal`; each problem is a line in the log `tollspan`, once."""
    settings, problems = read_settings({}, os.environ, signal)
    for problem in problems:
        events.misconfigured(problem)
    return settings


@functools.cache
def token_source() -> TokenSource | None:
    """The one token source of this process; None without OAuth2."""
    settings = _any_settings()
    return None if settings.client_id is None else TokenSource(TokenFetch(settings, HTTPTransport(settings)))


def authorization() -> Authorization:
    """The credentials that the environment names; none when they could not be sent safely."""
    return Authorization(_any_settings(), token_source())


def _any_settings() -> Settings:
    """Those of the first signal that can be sent; the credentials are the same for all."""
    read = (read_environment(signal) for signal in Signal)
    return next((settings for settings in read if settings.url is not None), Settings())
