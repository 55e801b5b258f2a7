from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from tollspan.gateway.authserver import metadata
from tollspan.gateway.authserver.permissions import PERMISSIONS

ISSUER = "https://gateway.example/base"


def test_every_url_lies_under_the_issuer():
    document = metadata.authorization_server(ISSUER)

    assert document["issuer"] == ISSUER
    assert document["token_endpoint"] == "https://gateway.example/base/token"
    assert document["jwks_uri"] == "https://gateway.example/base/.well-known/jwks.json"
    assert document["revocation_endpoint"] == "https://gateway.example/base/revoke"
    assert document["introspection_endpoint"] == "https://gateway.example/base/introspect"


def test_only_what_is_offered_is_listed():
    document = metadata.authorization_server(ISSUER)

    assert document["grant_types_supported"] == ["client_credentials", "refresh_token"]
    assert document["response_types_supported"] == []
    assert set(document["scopes_supported"]) == set(PERMISSIONS)


def test_an_independent_reader_finds_every_field_valid():
    document = AuthorizationServerMetadata(metadata.authorization_server(ISSUER))

    for field in document:
        if (
            field != "response_types_supported"
        ):  # its check takes the empty list of RFC 8414 for a missing one
            getattr(document, f"validate_{field}")()


def test_the_protected_resource_names_its_authorization_server():
    document = metadata.protected_resource(ISSUER)

    assert document["resource"] == ISSUER
    assert document["authorization_servers"] == [ISSUER]
    assert document["bearer_methods_supported"] == ["header"]


def test_keys_may_be_cached_and_are_labelled():
    assert metadata.JWKS_HEADERS["Content-Type"] == "application/jwk-set+json"
    assert "max-age=" in metadata.JWKS_HEADERS["Cache-Control"]
