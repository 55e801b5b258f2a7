"""Hours of waiting in an instant, for what only waits on its event loop's clock.

run(lambda: scenario())    # in it, asyncio.sleep(3600) takes no time
"""

import asyncio
import selectors


class _Selector(selectors.DefaultSelector):
    """Lets the loop's clock jump to where the next timer is due, instead of waiting."""

    skipped_s = 0.0

    def select(self, timeout=None):
        if timeout is None:
            return super().select()
        self.skipped_s += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._skipping = _Selector()
        super().__init__(self._skipping)

    def time(self):
        return super().time() + self._skipping.skipped_s


def run(scenario):
    """What the coroutine that `scenario` makes returns."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(scenario())
