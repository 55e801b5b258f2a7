import asyncio

import pytest

from helpers.otlp_peer import Answer, running_peer
from helpers.service import StandInHost
from tollspan.collector.http_destination import ClientAuthConfig, HTTPDestination, HTTPDestinationConfig
from tollspan.errors import TokenRequestError
from tollspan.oauth2.secret import Secret


class Numbered:
    """Credentials 1, 2, … ; `renewable` says whether a refusal is worth another attempt."""

    def __init__(self, renewable=True):
        self.given = 0
        self.renewable = renewable
        self.error = None

    async def start(self, host):
        pass

    async def shutdown(self):
        pass

    async def credentials(self):
        if self.error is not None:
            raise self.error
        self.given += 1
        return {"authorization": f"Bearer {self.given}"}

    def refused(self, credentials):
        return self.renewable


@pytest.fixture
def peer():
    with running_peer() as peer:
        yield peer


async def post(peer, *posts, auth=None, **settings):
    """Post that often; the answers' statuses."""
    config = HTTPDestinationConfig(auth=ClientAuthConfig(authenticator="auth") if auth else None, **settings)
    destination = HTTPDestination(config)
    destination.open(StandInHost(auth=auth), peer.url)
    try:
        return [
            (await destination.post(f"{peer.url}/v1/traces", headers, b"")).status
            for headers in posts or ({},)
        ]
    finally:
        await destination.close()


async def test_credentials_go_before_configured_headers_and_those_before_the_callers(peer):
    await post(
        peer,
        {"User-Agent": "ours", "X-Own": "1"},
        auth=Numbered(),
        headers={"user-agent": Secret("theirs"), "Authorization": Secret("Basic x")},
    )
    headers = peer.exports[0].headers
    assert (headers["user-agent"], headers["x-own"]) == ("theirs", "1")
    assert headers["authorization"] == "Bearer 1"


async def test_refused_credentials_are_replaced_once(peer):
    peer.answers += [Answer(401), Answer(401)]
    assert await post(peer, auth=Numbered()) == [401]
    assert [export.headers["authorization"] for export in peer.exports] == ["Bearer 1", "Bearer 2"]


async def test_credentials_that_never_change_are_not_tried_twice(peer):
    peer.answers.append(Answer(401))
    assert await post(peer, auth=Numbered(renewable=False)) == [401]
    assert len(peer.exports) == 1


async def test_a_missing_permission_is_no_reason_for_new_credentials(peer):
    peer.answers.append(Answer(403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}))
    assert await post(peer, auth=Numbered()) == [403]
    assert len(peer.exports) == 1


async def test_without_credentials_nothing_is_sent(peer):
    auth = Numbered()
    auth.error = TokenRequestError("down", "unreachable")
    with pytest.raises(TokenRequestError):
        await post(peer, auth=auth)
    assert peer.exports == []


async def test_a_token_endpoint_that_hangs_does_not_count_as_a_destination_that_hangs(peer):
    class Hanging(Numbered):
        async def credentials(self):
            await asyncio.Event().wait()

    with pytest.raises(TokenRequestError, match="no credentials yet"):
        await post(peer, auth=Hanging(), timeout_s=0.02)
    assert peer.exports == []


def test_a_negative_limit_is_a_problem():
    (problem,) = HTTPDestinationConfig(connections_max=-1).problems()
    assert problem.path == "max_conns_per_host"
