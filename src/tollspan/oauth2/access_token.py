"""An access token and how long it lasts."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan.oauth2.secret import Secret


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token endpoint gave (RFC 6749 §5.1).

    `received_s` is the monotonic clock's reading from before the request was sent, so the
    token never seems to live longer than it does. `granted_scopes` is empty when the
    answer did not name them.
    """

    value: Secret
    expires_in_s: float
    received_s: float
    granted_scopes: tuple[str, ...] = ()

    def refresh_at_s(self, fraction: float) -> float:
        """The clock's reading when `fraction` (0..1) of the lifetime will have passed."""
        return self.received_s + self.expires_in_s * fraction

    def expired(self, now_s: float) -> bool:
        """Whether the lifetime has passed."""
        return now_s >= self.received_s + self.expires_in_s
