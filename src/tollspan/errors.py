"""Every error Tollspan raises on purpose.

TollspanError
├── ConfigError               a setting is wrong: where, what, what to do
├── WireError                 bytes that are not OTLP: HTTP 400, never retried
├── LimitError                too large or too many: HTTP 413 / RESOURCE_EXHAUSTED
├── DeliveryError             a destination did not take the data
│   ├── RetryableError        later it may
│   └── PermanentError        it never will
├── AuthError                 an OAuth2 error code (RFC 6749 §5.2, RFC 6750 §3.1)
│   ├── MissingTokenError     no credentials at all: a challenge without a code
│   ├── InvalidTokenError     401 invalid_token
│   ├── InsufficientScopeError  403 insufficient_scope
│   └── TokenRequestError     the token endpoint refused, or could not be asked
├── StoreError                the database could not do it
└── QueryError                the question cannot be answered as asked

Errors carry facts as attributes and build their text from them. None carries a
secret, so every one may be logged.
"""

from __future__ import annotations


class TollspanError(Exception):
    """Base of the tree above."""


class ConfigError(TollspanError):
    """A setting at `path` is wrong; `hint` says what to write instead."""

    def __init__(self, path: str, problem: str, hint: str = "") -> None:
        super().__init__(path, problem, hint)
        self.path = path
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.path}: {self.problem}" if self.path else self.problem
        return f"{text} ({self.hint})" if self.hint else text


class WireError(TollspanError):
    """The bytes at `offset` are not what OTLP puts there."""

    def __init__(self, problem: str, offset: int = -1) -> None:
        super().__init__(problem, offset)
        self.problem = problem
        self.offset = offset

    def __str__(self) -> str:
        return self.problem if self.offset < 0 else f"{self.problem} (byte {self.offset})"


class LimitError(TollspanError):
    """`actual` is over `limit`; `what` names the thing that was counted, with its unit."""

    def __init__(self, what: str, limit: int, actual: int | None = None) -> None:
        super().__init__(what, limit, actual)
        self.what = what
        self.limit = limit
        self.actual = actual

    def __str__(self) -> str:
        got = "" if self.actual is None else f", got {self.actual}"
        return f"too large: at most {self.limit} {self.what}{got}"


class DeliveryError(TollspanError):
    """A destination did not take a batch."""


class RetryableError(DeliveryError):
    """The same batch may be taken later; `after_s` is the wait the destination asked for."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason, after_s)
        self.reason = reason
        self.after_s = after_s

    def __str__(self) -> str:
        return self.reason


class PermanentError(DeliveryError):
    """The same batch will never be taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class AuthError(TollspanError):
    """An OAuth2 refusal: `code` is the RFC's error code, `description` is printable ASCII.

    `resource_metadata` is the URL that tells who issues tokens for what was asked (RFC 9728 §5.1).
    """

    code = "invalid_request"
    resource_metadata = ""

    def __init__(self, description: str, code: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.code}: {self.description}"


class MissingTokenError(AuthError):
    """The request carries no credentials; answered without an error code (RFC 6750 §3.1)."""

    code = ""

    def __str__(self) -> str:
        return self.description


class InvalidTokenError(AuthError):
    """The access token is malformed, expired, revoked, or not for us."""

    code = "invalid_token"


class InsufficientScopeError(AuthError):
    """The token is good but lacks `permission`."""

    code = "insufficient_scope"

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs the permission {permission}")
        self.permission = permission


class TokenRequestError(AuthError):
    """No access token could be had.

    `terminal` is true when asking again cannot help until someone changes the
    configuration (`invalid_client`, `unauthorized_client`, `invalid_scope`,
    `invalid_target`, `unsupported_grant_type`).
    """

    def __init__(
        self,
        description: str,
        code: str,
        *,
        status: int | None = None,
        after_s: float | None = None,
        terminal: bool = False,
    ) -> None:
        super().__init__(description, code)
        self.status = status
        self.after_s = after_s
        self.terminal = terminal


class StoreError(TollspanError):
    """The database could not do what was asked; `retryable` says whether a later try may."""

    def __init__(self, problem: str, *, retryable: bool = True) -> None:
        super().__init__(problem)
        self.problem = problem
        self.retryable = retryable


class QueryError(TollspanError):
    """The question is malformed; `field` names the part that is."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"
