"""Settings that no print of a configuration may show."""

from __future__ import annotations

from typing import Annotated

from tollspan.collector.config.values import Parsed
from tollspan.oauth2.secret import Secret


def _read(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError("is no text")
    return Secret(str(value))


SecretSetting = Annotated[Secret, Parsed(_read)]
"""A text in the YAML, a Secret in the code."""
