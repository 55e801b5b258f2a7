"""The documents by which clients and verifiers find their way: RFC 8414, RFC 9728."""

from __future__ import annotations

from typing import Any

from tollspan.gateway.authserver.client_assertion import ALGORITHMS
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.authserver.signing_keys import JWKS_AGE_S_MAX

JWKS_HEADERS = {
    "Content-Type": "application/jwk-set+json",
    "Cache-Control": f"public, max-age={JWKS_AGE_S_MAX}",
}
"""How the JWK Set is served."""

_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def authorization_server(issuer: str) -> dict[str, Any]:
    """What the token endpoint offers (RFC 8414 §2), for `/.well-known/oauth-authorization-server`."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "response_types_supported": [],
        "scopes_supported": list(PERMISSIONS),
        **{
            f"{endpoint}_endpoint_auth_methods_supported": _AUTH_METHODS
            for endpoint in ("token", "revocation", "introspection")
        },
        **{
            f"{endpoint}_endpoint_auth_signing_alg_values_supported": ALGORITHMS
            for endpoint in ("token", "revocation", "introspection")
        },
    }


def protected_resource(issuer: str) -> dict[str, Any]:
    """Who issues tokens for this gateway (RFC 9728 §2), for `/.well-known/oauth-protected-resource`."""
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(PERMISSIONS),
    }
