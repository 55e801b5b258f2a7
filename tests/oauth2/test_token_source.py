import logging
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.token_source import TokenSource


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def flights():
    return [thread for thread in threading.enumerate() if thread.name == "tollspan-token"]


def land():
    """Wait until no fetch is under way."""
    for thread in flights():
        thread.join(30)


def ask_in_parallel(count, question):
    """Ask on `count` threads at the same moment."""
    ready = threading.Barrier(count)

    def ask(_):
        ready.wait(30)
        return question()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def test_many_threads_without_a_token_cause_one_request(endpoint):
    source = TokenSource(endpoint.fetch)

    tokens = ask_in_parallel(20, lambda: source.token(30))

    assert [token.value.reveal() for token in tokens] == ["token-1"] * 20
    assert len(endpoint.requests) == 1


def test_a_valid_token_is_given_without_a_request(endpoint):
    source = TokenSource(endpoint.fetch)

    assert {source.token(30).value.reveal() for _ in range(100)} == {"token-1"}
    assert len(endpoint.requests) == 1


def test_many_rejections_of_one_token_cause_one_request(endpoint):
    source = TokenSource(endpoint.fetch)
    rejected = source.token(30)

    def refresh():
        source.invalidate(rejected)
        return source.token(30).value.reveal()

    assert ask_in_parallel(10, refresh) == ["token-2"] * 10
    assert len(endpoint.requests) == 2
    assert source.status().rejections == 1


def test_a_due_token_is_given_at_once_while_one_request_refreshes_it(clock):
    asked, answer = threading.Event(), threading.Event()
    values = iter(["first", "second"])

    def fetch():
        value = next(values)
        if value == "second":
            asked.set()
            assert answer.wait(30)
        return AccessToken(Secret(value), 100.0, clock())

    source = TokenSource(fetch, clock=clock)
    source.token(30)
    clock.now_s = 95.0

    assert [source.token(0).value.reveal() for _ in range(5)] == ["first"] * 5
    assert asked.wait(30)
    answer.set()
    land()
    assert source.token(0).value.reveal() == "second"


def test_a_caller_waits_no_longer_than_it_wants_and_the_fetch_goes_on(endpoint):
    endpoint.open.clear()
    source = TokenSource(endpoint.fetch)

    with pytest.raises(TokenRequestError, match="in time"):
        source.token(0.01)
    assert endpoint.asked.wait(30)
    with pytest.raises(TokenRequestError, match="in time"):
        source.token(0)
    endpoint.open.set()

    assert source.token(30).value.reveal() == "token-1"
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "answer", [(500, b""), (200, b"<html>"), (400, b'{"error":"invalid_request"}'), (302, b"")]
)
def test_after_a_failed_request_callers_are_refused_without_another_until_the_wait_is_over(
    endpoint, clock, answer
):
    endpoint.answers = [answer]
    source = TokenSource(endpoint.fetch, clock=clock)

    for _ in range(20):
        with pytest.raises(TokenRequestError):
            source.token(30)
    assert len(endpoint.requests) == 1
    assert source.status().failures == 1

    clock.now_s += 1.0
    assert source.token(30).value.reveal() == "token-2"
    assert source.status().error is None


def test_all_waiting_callers_learn_of_a_failure(endpoint, clock):
    endpoint.answers = [(400, b'{"error":"invalid_client"}')]
    source = TokenSource(endpoint.fetch, clock=clock)

    def ask():
        with pytest.raises(TokenRequestError) as raised:
            source.token(30)
        return raised.value.code

    assert ask_in_parallel(10, ask) == ["invalid_client"] * 10
    assert len(endpoint.requests) == 1


def test_a_token_that_is_still_good_is_used_while_the_endpoint_is_down(endpoint):
    source = TokenSource(endpoint.fetch, clock=(clock := Clock()))
    endpoint.lifetime_s = 1e9  # as seen by the fake clock, which begins at zero
    source.token(30)
    clock.now_s = 0.95e9
    endpoint.answers = [(500, b"")] * 3

    assert source.token(0).value.reveal() == "token-1"
    land()
    assert source.token(0).value.reveal() == "token-1"
    assert source.status().failures == 1


def test_a_defect_in_the_fetch_becomes_an_error_that_names_it_and_quotes_nothing():
    def fetch():
        raise KeyError("s3cr3t")

    with pytest.raises(TokenRequestError) as raised:
        TokenSource(fetch).token(30)

    assert "KeyError" in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


def test_each_caller_gets_an_error_of_its_own(clock):
    def fetch():
        raise TokenRequestError("no", "server_error", status=500, after_s=9.0)

    source = TokenSource(fetch, clock=clock)
    errors = []
    for _ in range(2):
        with pytest.raises(TokenRequestError) as raised:
            source.token(30)
        errors.append(raised.value)

    assert errors[0] is not errors[1]
    assert (errors[1].description, errors[1].code, errors[1].status, errors[1].after_s) == (
        "no",
        "server_error",
        500,
        9.0,
    )


def test_no_thread_stays_behind(endpoint):
    source = TokenSource(endpoint.fetch)
    source.token(30)
    land()

    assert flights() == []


def test_a_state_is_logged_once_when_it_begins(endpoint, clock, caplog):
    caplog.set_level(logging.DEBUG, "tollspan")
    source = TokenSource(endpoint.fetch, clock=clock, random=lambda: 1.0)
    endpoint.answers = [(500, b"")] * 3 + [(401, b'{"error":"invalid_client"}')] * 2

    for _ in range(5):
        with pytest.raises(TokenRequestError):
            source.token(30)
        clock.now_s += 400.0
    source.token(30)
    clock.now_s += 400.0
    source.token(30)
    land()

    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "INFO"]


def test_status_tells_what_is_known(endpoint, clock):
    source = TokenSource(endpoint.fetch, clock=clock)
    assert source.status().token_age_s is None

    source.token(30)
    status = source.status()
    assert (status.fetches, status.failures, status.error, status.retry_in_s) == (1, 0, None, None)
    assert status.expires_in_s > 3600


def test_no_secret_appears_in_any_log_or_error(endpoint, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    endpoint.answers = [
        (400, b'{"error":"x","error_description":"s3cr3t-of-the-client token-1"}'),
        (500, b"s3cr3t-of-the-client"),
    ]
    source = TokenSource(endpoint.fetch, clock=(clock := Clock()))
    shown = [repr(source), repr(endpoint.credentials())]
    for _ in range(3):
        try:
            shown.append(repr(source.token(30)))
        except TokenRequestError as error:
            shown.append(repr(error) + str(error))
        shown.append(repr(source.status()))
        clock.now_s += 100.0

    everything = "".join([*shown, caplog.text, *capfd.readouterr()])
    assert "s3cr3t" not in everything
    assert "token-3" not in everything


def test_without_new_threads_the_caller_fetches_itself(endpoint, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    source = TokenSource(lambda: AccessToken(Secret("inline"), 100.0, 0.0), clock=Clock())

    assert source.token(30).value.reveal() == "inline"


def run(script):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_a_token_can_be_fetched_while_the_process_exits():
    assert run("""
        import atexit
        from tollspan.oauth2.access_token import AccessToken
        from tollspan.oauth2.secret import Secret
        from tollspan.oauth2.token_source import TokenSource
        source = TokenSource(lambda: AccessToken(Secret("late"), 100.0, 1e12))
        atexit.register(lambda: print(source.token(10).value.reveal()))
    """) == ["late"]


def test_a_child_forked_in_the_middle_of_a_fetch_with_the_lock_held_goes_on_alone():
    assert run("""
        import os, threading, warnings
        from tollspan.oauth2.access_token import AccessToken
        from tollspan.oauth2.secret import Secret
        from tollspan.oauth2.token_source import TokenSource
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads
        asked, answer, locked, forked, parent = *(threading.Event() for _ in range(4)), os.getpid()
        def fetch():
            if os.getpid() == parent:
                asked.set()
                answer.wait(30)
            return AccessToken(Secret("parent" if os.getpid() == parent else "child"), 100.0, 1e12)
        source = TokenSource(fetch)
        caller = threading.Thread(target=lambda: source.token(30))
        caller.start()
        asked.wait(30)
        def hold():
            with source._changed:
                locked.set()
                forked.wait(30)
        holder = threading.Thread(target=hold)
        holder.start()
        locked.wait(30)
        child = os.fork()
        if child == 0:
            print(source.token(10).value.reveal(), flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        forked.set()
        holder.join(30)
        answer.set()
        caller.join(30)
        print(source.token(10).value.reveal())
    """) == ["child", "parent"]


def test_a_child_keeps_the_token_of_its_parent():
    assert run("""
        import os, warnings
        from tollspan.oauth2.access_token import AccessToken
        from tollspan.oauth2.secret import Secret
        from tollspan.oauth2.token_source import TokenSource
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads
        source = TokenSource(lambda: AccessToken(Secret(str(os.getpid())), 100.0, 1e12))
        mine = source.token(10).value.reveal()
        child = os.fork()
        if child == 0:
            os._exit(0 if source.token(10).value.reveal() == mine else 1)
        print(os.waitpid(child, 0)[1])
    """) == ["0"]
