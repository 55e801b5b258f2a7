"""What was decided about traces that are gone, for spans that come late."""

from __future__ import annotations

from collections import OrderedDict

from tollspan.collector.processors.tail_sampling.trace import TraceKey


class DecisionCache:
    """The latest decisions, so many of either kind; the one that was asked for longest ago makes room."""

    def __init__(self, sampled_max: int, not_sampled_max: int) -> None:
        self._limits = {True: sampled_max, False: not_sampled_max}
        self._keys: dict[bool, OrderedDict[TraceKey, None]] = {True: OrderedDict(), False: OrderedDict()}

    def remember(self, key: TraceKey, sampled: bool) -> None:
        """The trace was sampled, or it was not."""
        keys = self._keys[sampled]
        keys[key] = None
        keys.move_to_end(key)
        while len(keys) > self._limits[sampled]:
            keys.popitem(last=False)

    def get(self, key: TraceKey) -> bool | None:
        """Whether the trace was sampled; None when that is not known."""
        for sampled, keys in self._keys.items():
            if key in keys:
                keys.move_to_end(key)
                return sampled
        return None
