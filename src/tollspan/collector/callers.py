"""Who may do what, where the credential itself does not say: every known caller may write every signal."""

from __future__ import annotations

from tollspan.oauth2.principal import Principal
from tollspan.otlp.signals import Signal

WRITE_PERMISSIONS = frozenset(signal.write_permission for signal in Signal)


def writer(subject: str) -> Principal:
    """A caller without a tenant who may write."""
    return Principal(subject, "", WRITE_PERMISSIONS)
