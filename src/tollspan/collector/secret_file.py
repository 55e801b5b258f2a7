"""Secrets that may lie in files, which whoever rotates them replaces while we run."""

from __future__ import annotations

import os
from pathlib import Path

from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret


def read_secret(key: str, path: str, inline: Secret) -> Secret:
    """The file's text without blanks around it, or `inline` where no file is named. ConfigError at `key`."""
    if not path:
        return inline
    try:
        text = Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise ConfigError(key, f"cannot be read: {type(error).__name__}") from None
    if not text:
        raise ConfigError(key, f"{path} is empty")
    return Secret(text)


class WatchedSecret:
    """As `read_secret`, but the file is read only when it has changed: cheap enough for every request."""

    def __init__(self, key: str, path: str, inline: Secret) -> None:
        self._key, self._path, self._inline = key, path, inline
        self._seen: tuple[int, int, int] | None = None
        self._secret = inline

    def get(self) -> Secret:
        """The secret as it is now; ConfigError when there is none."""
        if not self._path:
            return self._inline
        try:
            status = os.stat(self._path)
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            seen = None
        if seen is None or seen != self._seen:
            self._secret = read_secret(self._key, self._path, self._inline)
            self._seen = seen
        return self._secret
