import asyncio

import pytest

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.async_token_source import AsyncTokenSource
from tollspan.oauth2.secret import Secret


class Endpoint:
    """Gives numbered tokens, or raises `answers`; waits for `open`. The test turns its clock."""

    def __init__(self):
        self.now_s = 1000.0
        self.fetches = 0
        self.lifetime_s = 100.0
        self.answers = []
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.reports = []

    async def fetch(self):
        self.fetches += 1
        self.asked.set()
        await self.open.wait()
        if self.answers:
            raise self.answers.pop(0)
        return AccessToken(Secret(f"token-{self.fetches}"), self.lifetime_s, self.now_s)

    def source(self, **settings):
        return AsyncTokenSource(
            self.fetch, self.reports.append, clock=lambda: self.now_s, random=lambda: 0.5, **settings
        )


def refusal(code="server_error", **facts):
    return TokenRequestError("no", code, **facts)


async def test_many_callers_cause_one_fetch():
    endpoint = Endpoint()
    source = endpoint.source()
    tokens = await asyncio.gather(*(source.token() for _ in range(20)))
    assert {token.value.reveal() for token in tokens} == {"token-1"}
    assert endpoint.fetches == 1


async def test_a_token_that_is_due_is_used_while_the_next_one_is_fetched():
    endpoint = Endpoint()
    source = endpoint.source()
    await source.token()
    endpoint.now_s += 95
    endpoint.open.clear()
    assert (await source.token()).value.reveal() == "token-1"
    endpoint.open.set()
    await asyncio.sleep(0)
    assert endpoint.fetches == 2


async def test_a_caller_who_gives_up_does_not_stop_the_fetch():
    endpoint = Endpoint()
    endpoint.open.clear()
    source = endpoint.source()
    impatient, patient = asyncio.create_task(source.token()), asyncio.create_task(source.token())
    await endpoint.asked.wait()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    endpoint.open.set()
    assert (await patient).value.reveal() == "token-1"


async def test_while_it_is_too_early_to_ask_again_callers_are_refused_at_once():
    endpoint = Endpoint()
    endpoint.answers = [refusal(after_s=30)]
    source = endpoint.source()
    for _ in range(3):
        with pytest.raises(TokenRequestError, match="server_error"):
            await source.token()
    assert endpoint.fetches == 1
    endpoint.now_s += 31
    assert (await source.token()).value.reveal() == "token-2"


async def test_a_refused_token_is_replaced_once_however_many_report_it():
    endpoint = Endpoint()
    source = endpoint.source()
    old = await source.token()
    for _ in range(5):
        source.invalidate(old)
    assert (await source.token()).value.reveal() == "token-2"
    source.invalidate(old)
    assert (await source.token()).value.reveal() == "token-2"


async def test_a_change_is_reported_once():
    endpoint = Endpoint()
    endpoint.answers = [refusal(), refusal()]
    source = endpoint.source()
    for _ in range(3):
        try:
            await source.token()
        except TokenRequestError:
            endpoint.now_s += 100
    assert [report and report.code for report in endpoint.reports] == ["server_error", None]


async def test_an_error_counts_only_while_there_is_no_valid_token():
    endpoint = Endpoint()
    source = endpoint.source()
    assert source.error is None
    await source.token()
    endpoint.answers = [refusal()]
    endpoint.now_s += 95
    await source.token()
    await asyncio.sleep(0)
    assert source.error is None
    endpoint.now_s += 10
    assert source.error.code == "server_error"


async def test_a_defect_in_fetching_shows_no_text():
    endpoint = Endpoint()
    endpoint.answers = [ValueError("client_secret=hush")]
    with pytest.raises(TokenRequestError) as caught:
        await endpoint.source().token()
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("lifetime_s", "buffer_s", "due_s"), [(3600, 300, 3300), (300, 300, 247.5)])
async def test_the_expiry_buffer_is_never_more_than_a_quarter_of_the_life(lifetime_s, buffer_s, due_s):
    endpoint = Endpoint()
    endpoint.lifetime_s = lifetime_s
    source = endpoint.source(expiry_buffer_s=buffer_s)
    await source.token()
    endpoint.now_s += due_s - 1
    await source.token()
    await asyncio.sleep(0)
    assert endpoint.fetches == 1
    endpoint.now_s += 2
    await source.token()
    await asyncio.sleep(0)
    assert endpoint.fetches == 2


async def test_kept_fresh_a_token_is_fetched_before_anyone_asks_and_again_after_a_failure():
    endpoint = Endpoint()
    endpoint.answers = [refusal()]
    source = AsyncTokenSource(endpoint.fetch, endpoint.reports.append, random=lambda: 0.0)
    keeping = asyncio.create_task(source.keep_fresh())
    async with asyncio.timeout(10):
        while endpoint.fetches < 2:
            endpoint.asked.clear()
            await endpoint.asked.wait()
    keeping.cancel()
    await source.close()
    assert endpoint.fetches == 2
