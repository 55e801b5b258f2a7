"""The keys that sign access tokens: made at first start, kept in one private file."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tollspan.errors import ConfigError
from tollspan.oauth2.keyset import KeySet

FILE_NAME = "signing-keys.json"
ALGORITHM = "RS256"
KEY_BITS = 2048


class SigningKeys:
    """Every key whose signatures are to be accepted, and the one that signs.

    The file holds `{"current": <kid>, "keys": [<private JWK>, …]}`. To rotate: add a key,
    wait until verifiers have it, make it current, drop the old one when its last token has
    expired.
    """

    def __init__(self, keys: list[RSAKey], current: str) -> None:
        self._keys = keys
        self._current = next(key for key in keys if key.kid == current)

    @classmethod
    def open(cls, data_dir: Path) -> SigningKeys:
        """The keys in `data_dir`, made when there are none. Raises ConfigError."""
        path = data_dir / FILE_NAME
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(path)
        try:
            document = json.loads(path.read_bytes())
            return cls([RSAKey.import_key(jwk) for jwk in document["keys"]], document["current"])
        except (OSError, ValueError, LookupError, TypeError, StopIteration, JoseError) as error:
            # The error's own text may quote the private key.
            hint = "restore it, or remove it to have new keys made; tokens in use are then refused"
            raise ConfigError(
                str(path), f"holds no usable signing keys: {type(error).__name__}", hint
            ) from None

    @property
    def kid(self) -> str:
        """The id of the key that signs: its thumbprint (RFC 7638)."""
        return str(self._current.kid)

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT access token with these claims (RFC 9068 §2)."""
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self.kid}
        return jwt.encode(header, claims, self._current, algorithms=[ALGORITHM])

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set (RFC 7517 §5)."""
        return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM) for key in self._keys]}

    def keyset(self) -> KeySet:
        """The public keys for a verifier in this process."""
        return KeySet.from_jwks(self.jwks())


def _create(path: Path) -> None:
    """Write one new key to `path`; when another process is quicker, its key stays."""
    key = RSAKey.generate_key(KEY_BITS, auto_kid=True)
    document = {"current": key.kid, "keys": [key.as_dict(private=True)]}
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never replaces a file that is there.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
