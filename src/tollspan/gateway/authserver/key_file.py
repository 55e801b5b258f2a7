"""An auth server's private keys in a file: a JWK Set, encrypted when there is a passphrase (RFC 7517 §7)."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret

FILE_NAME = "signing-keys.json"
KEY_BITS = 2048

_ENCRYPTION = ["PBES2-HS512+A256KW", "A256GCM"]
_ITERATIONS = 250_000
"""Of PBKDF2 with SHA-512; OWASP asks for 210,000 at least."""


def make_key() -> RSAKey:
    """A new private key; its id is its thumbprint (RFC 7638)."""
    return RSAKey.generate_key(KEY_BITS, auto_kid=True)


class KeyFile:
    """Private keys in `data_dir`, for its owner only. Several processes may use one file."""

    def __init__(self, data_dir: Path, passphrase: Secret) -> None:
        self.path = data_dir / FILE_NAME
        self._passphrase = passphrase

    def stamp(self) -> tuple[int, int]:
        """Another one after every change of the file."""
        try:
            status = self.path.stat()
        except OSError:
            return (0, 0)
        return status.st_ino, status.st_mtime_ns

    def read(self) -> dict[str, RSAKey]:
        """The keys by their ids; at least one. ConfigError when there are none that can be used."""
        try:
            content = self.path.read_bytes()
            keys = [RSAKey.import_key(jwk) for jwk in json.loads(self._decrypt(content))["keys"]]
            if not keys or not all(key.is_private and key.kid for key in keys):
                raise LookupError
        except (OSError, ValueError, LookupError, TypeError, JoseError) as error:
            # The error's own text may quote the private key.
            hint = "restore it, or remove it to have new keys made; tokens in use are then refused"
            problem = f"holds no usable signing keys: {type(error).__name__}"
            raise ConfigError(str(self.path), problem, hint) from None
        return {str(key.kid): key for key in keys}

    def make(self) -> None:
        """There is a file, with one new key unless another process was quicker, encrypted if it is to be."""
        if self.path.exists():
            if self._passphrase.reveal() and not _is_encrypted(self.path.read_bytes()):
                self.replace(list(self.read().values()))
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._write_draft([make_key()])
        try:
            # A link appears whole or not at all, and never replaces a file that is there.
            with contextlib.suppress(FileExistsError):
                self.path.hardlink_to(draft)
        finally:
            draft.unlink()

    def replace(self, keys: Sequence[RSAKey]) -> None:
        """The file holds these keys instead, at once."""
        self._write_draft(keys).replace(self.path)

    def _write_draft(self, keys: Sequence[RSAKey]) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._encrypt(json.dumps({"keys": [key.as_dict(private=True) for key in keys]})))
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _encrypt(self, jwk_set: str) -> bytes:
        if not self._passphrase.reveal():
            return jwk_set.encode()
        algorithm, encryption = _ENCRYPTION
        header = {"alg": algorithm, "enc": encryption, "cty": "jwk-set+json", "p2c": _ITERATIONS}
        key = OctKey.import_key(self._passphrase.reveal())
        return jwe.encrypt_compact(header, jwk_set, key, algorithms=_ENCRYPTION).encode()

    def _decrypt(self, content: bytes) -> bytes:
        if not _is_encrypted(content):
            return content
        if not self._passphrase.reveal():
            raise ConfigError(str(self.path), "is encrypted", "set TOLLSPAN_GATEWAY_KEY_PASSPHRASE")
        key = OctKey.import_key(self._passphrase.reveal())
        return jwe.decrypt_compact(content, key, algorithms=_ENCRYPTION).plaintext or b""


def _is_encrypted(content: bytes) -> bool:
    return content.startswith(b"ey")  # a JWE begins with its header: {" in base64url
