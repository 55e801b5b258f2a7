"""The documents by which clients and verifiers find their way: RFC 8414, RFC 9728."""

from __future__ import annotations

from typing import Any

from tollspan.gateway.authserver.permissions import PERMISSIONS

JWKS_HEADERS = {"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=300"}
"""How the JWK Set is served. A new key must be published this long before it signs."""


def authorization_server(issuer: str) -> dict[str, Any]:
    """What the token endpoint offers (RFC 8414 §2), for `/.well-known/oauth-authorization-server`."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": list(PERMISSIONS),
    }


def protected_resource(issuer: str) -> dict[str, Any]:
    """Who issues tokens for this gateway (RFC 9728 §2), for `/.well-known/oauth-protected-resource`."""
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(PERMISSIONS),
    }
