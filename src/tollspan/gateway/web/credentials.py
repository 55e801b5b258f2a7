"""Credentials over HTTP, as the command line has them; a caller manages those of its own tenant.

Nobody hands out more than they have: neither a permission nor a dataset. Nor does anybody end
what reaches beyond their datasets.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from tollspan.gateway.authserver import audit
from tollspan.gateway.authserver.credential import Credential, CredentialDraft, IssuedSecret
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.authserver.public_key import read_public_key
from tollspan.gateway.web.parts import parts_of
from tollspan.oauth2.principal import Principal

OVERLAP_S_MAX = 366 * 86400


class NewCredential(BaseModel, extra="forbid"):
    """What the credential shall be; no `datasets` are all that the caller may use."""

    name: str
    permissions: list[str]
    kind: Literal["oauth2", "api_key"] = "oauth2"
    datasets: list[str] = Field([], max_length=1000)
    expires_in_s: float | None = None
    refreshable: bool = False
    public_key: str = Field("", description="PEM or JWK: the client signs instead of sending a secret")


class Rotation(BaseModel, extra="forbid"):
    """How long the secret before stays good: without a word until the next rotation."""

    overlap_s: float | None = Field(None, ge=0, le=OVERLAP_S_MAX)
    public_key: str = ""


class CredentialFilter(BaseModel, extra="forbid"):
    """Which credentials: in any state, used or not, unless it is said."""

    state: Literal["live", "expired", "revoked"] | None = None
    unused_for_s: float = Field(0.0, ge=0)


class CredentialAnswer(BaseModel):
    """A credential without its secrets. Times are Unix seconds; no `datasets` are all of them."""

    id: str
    kind: str
    name: str
    tenant: str
    datasets: list[str]
    permissions: list[str]
    created_s: float
    expires_s: float | None
    revoked_s: float | None
    last_used_s: float | None
    live_secrets: int
    refreshable: bool
    created_by: str


class LiveSecretAnswer(BaseModel):
    """The times of one secret that is still good, in Unix seconds."""

    created_s: float
    expires_s: float | None
    last_used_s: float | None


class ListedCredential(CredentialAnswer):
    """A credential with the times of its live secrets, the newest first: an old one may still be in use."""

    secrets: list[LiveSecretAnswer]


class IssuedAnswer(CredentialAnswer):
    """A credential with what proves it, shown this once: a client's id and secret, or an API key."""

    client_id: str | None = None
    client_secret: str | None = None
    api_key: str | None = None


class Credentials(BaseModel):
    """Credentials of the tenant, oldest first."""

    data: list[ListedCredential]


class AuditEntry(BaseModel):
    """Who did what to whom."""

    time_s: float
    actor: str
    action: str
    tenant: str
    subject: str
    detail: dict[str, Any]


class AuditLog(BaseModel):
    """The newest entries first."""

    data: list[AuditEntry]


def list_credentials(request: Request, asked: Annotated[CredentialFilter, Query()]) -> Credentials:
    """List the tenant's credentials."""
    store, tenant = parts_of(request).identity.credentials, _caller(request).tenant
    secrets = store.find_secrets(tenant)
    found = store.find_all(tenant, state=asked.state, unused_for_s=asked.unused_for_s)
    return Credentials(
        data=[
            ListedCredential(
                **asdict(credential),
                secrets=[LiveSecretAnswer(**asdict(one)) for one in secrets.get(credential.id, ())],
            )
            for credential in found
        ]
    )


def create_credential(request: Request, new: NewCredential) -> IssuedAnswer:
    """Make a credential and show its secret once."""
    caller = _caller(request)
    new.datasets = new.datasets or sorted(caller.datasets)
    _check_reach(caller, new)
    draft = CredentialDraft(
        name=new.name,
        permissions=tuple(new.permissions),
        kind=new.kind,
        tenant=caller.tenant,
        datasets=tuple(new.datasets),
        expires_in_s=new.expires_in_s,
        refreshable=new.refreshable,
        public_key=read_public_key(new.public_key) if new.public_key else None,
    )
    return _show_issued(parts_of(request).identity.credentials.create(draft, actor=caller.subject))


def rotate_credential(request: Request, credential_id: str, rotation: Rotation) -> IssuedAnswer:
    """Add a secret; the one before stays good for the overlap."""
    _check_reach(_caller(request), _find(request, credential_id))
    issued = parts_of(request).identity.credentials.rotate(
        credential_id,
        overlap_s=rotation.overlap_s,
        public_key=read_public_key(rotation.public_key) if rotation.public_key else None,
        actor=_caller(request).subject,
    )
    return _show_issued(issued)


def revoke_credential(request: Request, credential_id: str) -> CredentialAnswer:
    """Make a credential worthless, for good."""
    _check_datasets(_caller(request), _find(request, credential_id))
    store = parts_of(request).identity.credentials
    return CredentialAnswer(**asdict(store.revoke(credential_id, actor=_caller(request).subject)))


def show_audit_log(
    request: Request, limit: Annotated[int, Query(ge=1, le=audit.ENTRIES_MAX)] = 100
) -> AuditLog:
    """Show who changed the tenant's credentials and people."""
    database = parts_of(request).identity.database
    entries = audit.list_entries(database, tenant=_caller(request).tenant, limit=limit)
    return AuditLog(data=[AuditEntry(**asdict(entry)) for entry in entries])


def _caller(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


def _find(request: Request, credential_id: str) -> Credential:
    """The credential, if it is the caller's tenant's; another one's is not there."""
    credential = parts_of(request).identity.credentials.find(credential_id)
    if credential is None or credential.tenant != _caller(request).tenant:
        raise HTTPException(404, "there is no such credential")
    return credential


def _check_reach(caller: Principal, wanted: NewCredential | Credential) -> None:
    """Return when the caller has all that the credential gives; HTTPException 403 when not."""
    beyond = set(wanted.permissions) & set(PERMISSIONS) - caller.permissions
    if beyond:
        raise HTTPException(403, f"the caller does not have {min(beyond)}, so it cannot give it")
    _check_datasets(caller, wanted)


def _check_datasets(caller: Principal, wanted: NewCredential | Credential) -> None:
    """Return when the credential reaches no dataset beyond the caller's; HTTPException 403 when it does."""
    if caller.datasets and not (wanted.datasets and set(wanted.datasets) <= caller.datasets):
        raise HTTPException(403, "the credential reaches datasets that the caller may not use")


def _show_issued(issued: IssuedSecret) -> IssuedAnswer:
    return IssuedAnswer.model_validate(asdict(issued.credential) | issued.shown())
