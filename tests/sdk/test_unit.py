from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator

import pytest

from tollspan import Unit, current_unit, set_unit, unit


def _here() -> str | None:
    found = current_unit()
    return found and found.id


@pytest.fixture(autouse=True)
def in_a_context_of_its_own() -> Iterator[None]:
    yield
    set_unit(None)


def test_a_unit_lasts_as_long_as_its_block() -> None:
    with unit("acme", parent="emea") as inside:
        assert current_unit() == inside == Unit("acme", "emea")
        with unit("other"):
            assert current_unit() == Unit("other", None)
        assert _here() == "acme"
    assert current_unit() is None


def test_ids_may_be_numbers_and_nobody_may_be_none_or_empty() -> None:
    with unit(7):  # type: ignore[arg-type]  # as untyped code does
        assert _here() == "7"
        with unit(None):
            assert current_unit() is None
        with unit(""):
            assert current_unit() is None


def test_set_unit_lasts_until_the_enclosing_block_ends() -> None:
    set_unit("first")
    with unit("acme"):
        set_unit("second", "parent")
        assert current_unit() == Unit("second", "parent")
    assert _here() == "first"


def test_blocks_that_end_in_another_order_leave_nothing_behind() -> None:
    first, second = unit("first"), unit("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert current_unit() is None


def test_an_error_passes_through() -> None:
    with pytest.raises(KeyError), unit("acme"):
        raise KeyError
    assert current_unit() is None


def test_a_decorated_function_runs_in_the_unit() -> None:
    @unit("acme")
    def work(number: int) -> tuple[int, str | None]:
        """Does it."""
        return number, _here()

    assert work(3) == (3, "acme")
    assert (work.__name__, work.__doc__) == ("work", "Does it.")
    assert current_unit() is None


async def test_a_decorated_coroutine_runs_in_the_unit() -> None:
    @unit("acme")
    async def work() -> str | None:
        await asyncio.sleep(0)
        return _here()

    assert inspect.iscoroutinefunction(work)
    assert await work() == "acme"
    assert current_unit() is None


def test_a_decorated_generator_is_in_the_unit_and_its_consumer_is_not() -> None:
    seen: list[str | None] = []

    @unit("acme")
    def work() -> Generator[int, str, str]:
        seen.append(_here())
        with unit("nested"):
            sent = yield 1
            seen.append(_here())
        seen.append(_here())
        try:
            yield 2
        except KeyError:
            seen.append(_here())
        yield 3
        return sent

    assert inspect.isgeneratorfunction(work)
    with unit("consumer"):
        generator = work()
        assert next(generator) == 1
        assert _here() == "consumer"
        assert generator.send("hello") == 2
        assert _here() == "consumer"
        assert generator.throw(KeyError()) == 3
        with pytest.raises(StopIteration) as stop:
            next(generator)
        assert stop.value.value == "hello"
        assert _here() == "consumer"
    assert seen == ["acme", "nested", "acme", "acme"]


async def test_a_decorated_async_generator_is_in_the_unit_and_its_consumer_is_not() -> None:
    seen: list[str | None] = []

    @unit("acme")
    async def work() -> AsyncIterator[int]:
        try:
            for number in range(3):
                await asyncio.sleep(0)
                seen.append(_here())
                yield number
        finally:
            seen.append(_here())

    assert inspect.isasyncgenfunction(work)
    with unit("consumer"):
        numbers = [(number, _here()) async for number in work()]
    assert numbers == [(0, "consumer"), (1, "consumer"), (2, "consumer")]
    assert seen == ["acme"] * 4
    await anext(stopped := work())
    await stopped.aclose()  # type: ignore[attr-defined]  # it is an async generator
    assert seen[-1] == "acme"
    assert current_unit() is None


def test_a_decorated_generator_can_be_closed_and_its_errors_pass() -> None:
    ended: list[str | None] = []

    @unit("acme")
    def work() -> Iterator[int]:
        try:
            yield 1
            raise KeyError
        finally:
            ended.append(_here())

    closed = work()
    next(closed)
    closed.close()  # type: ignore[attr-defined]  # it is a generator
    failing = work()
    next(failing)
    with pytest.raises(KeyError):
        next(failing)
    assert ended == ["acme", "acme"]


async def test_an_abandoned_generator_ends_quietly_in_another_context() -> None:
    async def work() -> AsyncIterator[int]:
        with unit("acme"):
            yield 1
            yield 2

    generator = work()
    await asyncio.create_task(anext(generator))  # type: ignore[arg-type]  # a coroutine in fact
    await generator.aclose()  # type: ignore[attr-defined]
    assert current_unit() is None


async def test_tasks_inherit_the_unit_and_keep_their_own() -> None:
    async def task(name: str) -> tuple[str | None, str | None]:
        inherited = _here()
        with unit(name):
            await asyncio.sleep(0)
            return inherited, _here()

    with unit("acme"):
        found = await asyncio.gather(*(task(str(index)) for index in range(20)))
    assert found == [("acme", str(index)) for index in range(20)]


async def test_one_decorator_serves_tasks_that_overlap() -> None:
    shared = unit("shared")

    @shared
    async def work(steps: int) -> str | None:
        for _ in range(steps):
            await asyncio.sleep(0)
        return _here()

    assert await asyncio.gather(*(work(steps) for steps in (3, 1, 2))) == ["shared"] * 3


def _in_thread(function: Callable[[], object]) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_has_no_unit_unless_it_is_given_the_context() -> None:
    with unit("acme"):
        assert _in_thread(_here) is None
        context = contextvars.copy_context()
        assert _in_thread(lambda: context.run(_here)) == "acme"
