"""What ids, client secrets and API keys look like, and how they are kept.

    ts_secret_<secret><checksum>       client secret
    ts_live_<id>_<secret><checksum>    API key
    ts_refresh_<secret><checksum>      refresh token

A secret is 256 random bits. The checksum (CRC-32 of all before it) lets a scanner that
searches code for leaked secrets tell one from a lookalike without asking us. All parts are
letters and digits, so no form or header encoding changes them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib

from tollspan.oauth2.secret import Secret

API_KEY_PREFIX = "ts_live_"
CLIENT_SECRET_PREFIX = "ts_secret_"  # noqa: S105 - the public part of each
REFRESH_TOKEN_PREFIX = "ts_refresh_"  # noqa: S105 - the public part of each

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them, none easily mistaken for another
_ID_CHARS = 16
_SECRET_CHARS = 43
_CHECKSUM_CHARS = 6
_ID = re.compile(rf"[{_ID_LETTERS}]{{{_ID_CHARS}}}")
_API_KEY = re.compile(
    rf"{API_KEY_PREFIX}([a-z0-9]{{{_ID_CHARS}}})_[0-9A-Za-z]{{{_SECRET_CHARS + _CHECKSUM_CHARS}}}"
)


def new_id() -> str:
    """A public id that no other credential has: 80 random bits."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_CHARS))


def is_id(text: str) -> bool:
    """Whether `text` looks like one of our ids; nothing else is worth asking a database for."""
    return _ID.fullmatch(text) is not None


def new_client_secret() -> Secret:
    """A client secret that nobody has seen."""
    return _with_secret(CLIENT_SECRET_PREFIX, secrets.randbits(256))


def new_api_key(credential_id: str) -> Secret:
    """An API key for that credential that nobody has seen."""
    return _with_secret(f"{API_KEY_PREFIX}{credential_id}_", secrets.randbits(256))


def new_refresh_token() -> Secret:
    """A refresh token that nobody has seen."""
    return _with_secret(REFRESH_TOKEN_PREFIX, secrets.randbits(256))


def succeeding_refresh_token(predecessor: Secret, seed: bytes) -> Secret:
    """The one refresh token that follows `predecessor`; nobody finds it without the `seed`."""
    drawn = hmac.digest(seed, predecessor.reveal().encode("utf-8", "surrogatepass"), "sha256")
    return _with_secret(REFRESH_TOKEN_PREFIX, int.from_bytes(drawn))


def read_api_key_id(api_key: str) -> str | None:
    """The credential id inside an API key; None when its form or checksum is wrong."""
    match = _API_KEY.fullmatch(api_key)
    if match is None or _checksum(api_key[:-_CHECKSUM_CHARS]) != api_key[-_CHECKSUM_CHARS:]:
        return None
    return match[1]


def digest(secret: Secret) -> bytes:
    """What is stored of a secret. A plain hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).digest()


def _with_secret(prefix: str, secret: int) -> Secret:
    text = prefix + _base62(secret, _SECRET_CHARS)
    return Secret(text + _checksum(text))


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_CHARS)


def _base62(number: int, chars: int) -> str:
    digits = []
    for _ in range(chars):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
