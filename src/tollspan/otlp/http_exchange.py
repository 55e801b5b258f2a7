"""The rules of an OTLP/HTTP exchange, both sides, without any I/O (OTLP 1.11, RFC 9110, RFC 6750).

A server calls `read_head`, then `content_coding.decompress`, then answers with `success` or `failure`.
A client sends `build_headers` and judges the answer with `read_response`.

Headers are looked up by lower-case names: pass a case-insensitive mapping or a dict
with such names.
"""

from __future__ import annotations

import enum
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from tollspan.errors import (
    AuthError,
    InsufficientScopeError,
    InvalidTokenError,
    LimitError,
    MissingTokenError,
    PermanentError,
    RetryableError,
    StoreError,
    TokenRequestError,
    TollspanError,
    WireError,
)
from tollspan.otlp import protobuf
from tollspan.otlp.content_coding import CODINGS
from tollspan.otlp.signals import Signal

RESPONSE_BYTES_MAX = 4 << 20
"""How much of an answer a client reads (OTLP 1.11: limit responses, 4 MiB recommended)."""

RETRY_AFTER_MAX_S = 3600.0
"""The longest wait that a server may ask of a client; a longer one counts as this."""

MESSAGE_CHARS_MAX = 1000
"""Longer texts are cut, in our answers and in what we report of others' answers."""

REALM = "tollspan"


class Encoding(enum.Enum):
    """How a request and its answer are written; the value is the media type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """An answer, whole. The server adds Content-Length and Date."""

    status: int
    headers: dict[str, str]
    body: bytes


class HTTPProblem(TollspanError):  # noqa: N818 - it is an HTTP answer, raised
    """The request is wrong in HTTP's own terms: answer `status` with `headers`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What a request's headers say about its body; `content_length` is None for a chunked one."""

    encoding: Encoding
    compression: str
    content_length: int | None


def read_head(method: str, headers: Mapping[str, str]) -> RequestHead:
    """The head of an export request; HTTPProblem 405, 415 or 400 when it cannot be one."""
    if method != "POST":
        raise HTTPProblem(405, f"telemetry is sent by POST, not {_line(method)}", {"Allow": "POST"})
    encoding, compression = _content(headers.get("content-type", ""), headers.get("content-encoding", ""))
    return RequestHead(encoding, compression, _content_length(headers))


@lru_cache(maxsize=64)  # clients send the same few with every request
def _content(content_type: str, content_encoding: str) -> tuple[Encoding, str]:
    """What the two headers say; HTTPProblem 415 when it is not supported."""
    encoding = _encoding(content_type)
    if encoding is None:
        supported = ", ".join(known.value for known in Encoding)
        message = f"unsupported Content-Type {_media_type(content_type)!r}; use one of: {supported}"
        raise HTTPProblem(415, _line(message), {"Accept-Post": supported})
    compression = content_encoding.strip().lower() or "identity"
    if compression not in CODINGS:
        supported = ", ".join(CODINGS)
        message = f"unsupported Content-Encoding {compression!r}; use one of: {supported}"
        raise HTTPProblem(415, _line(message), {"Accept-Encoding": supported})
    return encoding, compression


def answer_encoding(headers: Mapping[str, str]) -> Encoding:
    """How to answer a request with these headers: as it was written, else in JSON."""
    return _encoding(headers.get("content-type", "")) or Encoding.JSON


def success(signal: Signal, encoding: Encoding, rejected: int = 0, message: str = "") -> HTTPResponse:
    """200 with an export response.

    `partial_success` is set when items were `rejected`, or to carry a warning `message`
    about a request that was taken in full.
    """
    if not rejected and not message:
        return _TAKEN[encoding]
    message = _printable(message)
    if encoding is Encoding.JSON:
        name = _rejected_name(signal)
        partial = {key: text for key, text in ((name, str(rejected)), ("errorMessage", message)) if text}
        body = _json({"partialSuccess": partial})
    else:
        count = protobuf.field_varint(1, rejected) if rejected else b""
        text = protobuf.field_bytes(2, message.encode()) if message else b""
        body = protobuf.field_bytes(1, count + text)
    return HTTPResponse(200, {"Content-Type": encoding.value}, body)


_TAKEN = {
    encoding: HTTPResponse(200, {"Content-Type": encoding.value}, body)
    for encoding, body in ((Encoding.PROTOBUF, b""), (Encoding.JSON, b"{}"))
}


def failure(error: Exception, encoding: Encoding) -> HTTPResponse:
    """The answer to a request that failed with `error`: a google.rpc.Status in its `encoding`.

    | error                                       | status |
    |---------------------------------------------|--------|
    | HTTPProblem                                 | its own |
    | WireError, PermanentError                   | 400    |
    | MissingTokenError, InvalidTokenError        | 401 + WWW-Authenticate |
    | InsufficientScopeError                      | 403 + WWW-Authenticate |
    | other AuthError                             | 400 + WWW-Authenticate |
    | LimitError                                  | 413    |
    | RetryableError, TokenRequestError, StoreError that may pass | 503 + Retry-After |
    | anything else                               | 500    |

    Only errors of Tollspan's own tree show their text.
    """
    status = _status(error)
    message = _printable(str(error)) if isinstance(error, TollspanError) else "internal error"
    code = _GRPC_CODES.get(status, _GRPC_UNKNOWN)
    if encoding is Encoding.JSON:
        body = _json({"code": code, "message": message})
    else:
        body = protobuf.field_varint(1, code) + protobuf.field_bytes(2, message.encode())
    return HTTPResponse(status, {"Content-Type": encoding.value, **_headers(error, status)}, body)


def _status(error: Exception) -> int:
    match error:
        case HTTPProblem():
            return error.status
        case StoreError():
            return 503 if error.retryable else 500
        case _:
            return next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), 500)


_STATUSES: dict[type, int] = {
    WireError: 400,
    PermanentError: 400,
    MissingTokenError: 401,
    InvalidTokenError: 401,
    InsufficientScopeError: 403,
    AuthError: 400,
    LimitError: 413,
    RetryableError: 503,
    # An identity provider's outage must not cost the caller its data, and 503 is retried.
    TokenRequestError: 503,
}


def _headers(error: Exception, status: int) -> dict[str, str]:
    if isinstance(error, HTTPProblem):
        return error.headers
    if status == 503:
        after_s: float | None = getattr(error, "after_s", None)
        return {"Retry-After": str(max(1, math.ceil(after_s or 0)))}
    return {"WWW-Authenticate": _challenge(error)} if isinstance(error, AuthError) else {}


def _challenge(error: AuthError) -> str:
    """RFC 6750 §3: the code is left out when the request had no credentials at all."""
    parts = [f'Bearer realm="{REALM}"']
    if error.code:
        parts += [f'error="{_line(error.code)}"', f'error_description="{_line(error.description)}"']
    if isinstance(error, InsufficientScopeError):
        parts.append(f'scope="{_line(error.permission)}"')
    if error.resource_metadata:
        parts.append(f'resource_metadata="{_line(error.resource_metadata)}"')
    return ", ".join(parts)


def _encoding(content_type: str) -> Encoding | None:
    try:
        return Encoding(_media_type(content_type))
    except ValueError:
        return None


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _content_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise HTTPProblem(400, "Content-Length is not a number of bytes")
    return int(text)


_GRPC_UNKNOWN = 2
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 12, 405: 12, 408: 4, 413: 8, 415: 3, 429: 8, 500: 13, 503: 14}


@dataclass(frozen=True, slots=True)
class Delivered:
    """The destination has the batch, except `rejected` items; `message` is its remark, if any."""

    rejected: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Send the same bytes again, not before `after_s` when that is known."""

    after_s: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The access token was not taken: get another one and send once more (RFC 6750 §3.1)."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Send it in smaller pieces."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The destination will never take this batch, or whatever answered is no OTLP destination."""

    reason: str
    status: int = field(kw_only=True)


Outcome = Delivered | Later | Unauthorized | TooLarge | Refused

# 408 says that the request was not received in time: as good as a broken connection.
_LATER = frozenset({408, 429, 502, 503, 504})


def build_headers(encoding: Encoding, compression: str, user_agent: str) -> dict[str, str]:
    """The headers of an export request, except authorization.

    Asks for an uncompressed answer: it is tiny, and its size can then be bounded by counting.
    """
    headers = {"Content-Type": encoding.value, "User-Agent": user_agent, "Accept-Encoding": "identity"}
    if compression != "identity":
        headers["Content-Encoding"] = compression
    return headers


def read_response(signal: Signal, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """What an answer means for the batch that was sent. Never raises.

    A 2xx counts as delivered only when its body is an export response, empty included:
    proxies and login pages answer 200 too. `body` is at most RESPONSE_BYTES_MAX long; the
    caller enforces that. Reasons name no host: the caller knows which one it asked.
    """
    if 200 <= status < 300:
        return _read_success(signal, status, headers, body)
    reason = _reason(status, headers, body)
    if status in _LATER:
        return Later(read_retry_after_s(headers), reason)
    if is_unauthorized(status, headers):
        return Unauthorized(reason)
    if status == 413:
        return TooLarge(reason)
    return Refused(reason, status=status)


def is_unauthorized(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer says that the access token was not taken (RFC 6750 §3.1)."""
    return status == 401 or (status == 403 and "invalid_token" in headers.get("www-authenticate", ""))


def _read_success(signal: Signal, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    if len(body) >= RESPONSE_BYTES_MAX:
        return Refused(f"HTTP {status} with an answer beyond {RESPONSE_BYTES_MAX} bytes", status=status)
    content_type = headers.get("content-type", "")
    encoding = _encoding(content_type)
    media_type = _printable(_media_type(content_type))
    if "html" in media_type or (body and encoding is None):
        what = "HTML" if "html" in media_type else media_type or "answer without Content-Type"
        return Refused(f"HTTP {status} with {what} where an OTLP export response belongs", status=status)
    try:
        return _read_partial_json(signal, body) if encoding is Encoding.JSON else _read_partial_wire(body)
    except (ValueError, RecursionError, WireError):
        return Refused(f"HTTP {status} whose body is not an OTLP export response", status=status)


def _read_partial_wire(body: bytes) -> Delivered:
    delivered = Delivered()
    for number, _, partial in protobuf.read_fields(body):
        if number == 1 and isinstance(partial, bytes):
            parts = {key: value for key, _, value in protobuf.read_fields(partial)}
            delivered = _delivered(parts.get(1, 0), parts.get(2, b""))
    return delivered


def _read_partial_json(signal: Signal, body: bytes) -> Delivered:
    answer = json.loads(body or b"{}")
    if not isinstance(answer, dict):
        raise WireError("an export response is an object")
    partial = answer.get("partialSuccess") or {}
    if not isinstance(partial, dict):
        raise WireError("partialSuccess is an object")
    rejected = partial.get(_rejected_name(signal)) or 0
    # An int64 is written as a string, and many write a number (protobuf JSON mapping).
    count = int(rejected) if isinstance(rejected, str) else rejected
    return _delivered(count, partial.get("errorMessage") or "")


def _delivered(rejected: object, message: object) -> Delivered:
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
    if not isinstance(rejected, int) or not isinstance(text, str):
        raise WireError("partial success is a count and a text")
    # A negative int64 arrives as a huge unsigned one; neither says anything.
    return Delivered(rejected if 0 < rejected < 1 << 63 else 0, _printable(text))


def _rejected_name(signal: Signal) -> str:
    return "rejected" + signal.item.title().replace(" ", "")


def _reason(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """`HTTP 400: <what the server said>`, as far as it can be read."""
    if 300 <= status < 400:
        place = headers.get("location", "").partition("?")[0]
        return f"HTTP {status}: redirected to {_printable(place) or 'nowhere'}, which is not followed"
    encoding = _encoding(headers.get("content-type", ""))
    detail: object = None
    try:
        if encoding is Encoding.JSON:
            detail = json.loads(body)["message"]
        elif encoding is Encoding.PROTOBUF:
            parts: dict[int, Any] = {number: value for number, _, value in protobuf.read_fields(body)}
            detail = parts[2].decode("utf-8", "replace")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, WireError):
        pass
    return f"HTTP {status}: {_printable(detail)}" if isinstance(detail, str) and detail else f"HTTP {status}"


def read_retry_after_s(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 §10.2.3: seconds or a date; a date counts from the server's own clock."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]{1,18}", text):
        return min(float(text), RETRY_AFTER_MAX_S)
    then_s = _http_date_s(text)
    if then_s is None:
        return None
    now_s = _http_date_s(headers.get("date", "")) or time.time()
    return min(max(then_s - now_s, 0.0), RETRY_AFTER_MAX_S)


def _http_date_s(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _printable(text: str) -> str:
    """`text` on one line of bounded length, fit for a log."""
    return "".join(char if char.isprintable() else " " for char in text[:MESSAGE_CHARS_MAX]).strip()


def _line(text: str) -> str:
    """`text` fit for a quoted header value: printable ASCII without quotes and backslashes."""
    safe = (char if " " <= char <= "~" and char not in '"\\' else "'" for char in text[:MESSAGE_CHARS_MAX])
    return "".join(safe)
