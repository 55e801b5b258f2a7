"""Who is asking, as the credential says it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tollspan.errors import InsufficientScopeError


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `subject` is the credential's public id. `datasets` is what the credential may touch;
    empty means every dataset of its tenant. `permissions` are the granted OAuth scopes.
    `expires_s` is the Unix time at which what proved the caller ends, `token_ids` are the
    names under which that can be revoked before. Both are no part of who the caller is, so
    they do not count when two are compared.
    """

    subject: str
    tenant: str
    permissions: frozenset[str]
    datasets: frozenset[str] = frozenset()
    expires_s: float = field(default=math.inf, compare=False)
    token_ids: frozenset[str] = field(default=frozenset(), compare=False)

    def require(self, permission: str) -> None:
        """Return when `permission` was granted; raise InsufficientScopeError when not."""
        if permission not in self.permissions:
            raise InsufficientScopeError(permission)

    def may_use(self, dataset: str) -> bool:
        """Whether `dataset` is open to this caller."""
        return not self.datasets or dataset in self.datasets
