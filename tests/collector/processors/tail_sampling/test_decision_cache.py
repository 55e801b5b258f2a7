from tollspan.collector.processors.tail_sampling.decision_cache import DecisionCache
from tollspan.collector.processors.tail_sampling.trace import TraceKey

A, B, C = (TraceKey("", "", trace_id) for trace_id in (b"a", b"b", b"c"))


def test_decisions_are_remembered_until_others_need_the_room():
    cache = DecisionCache(2, 1)
    for key in (A, B):
        cache.remember(key, sampled=True)
    assert cache.get(A) is True
    cache.remember(C, sampled=True)
    assert (cache.get(A), cache.get(B), cache.get(C)) == (True, None, True)
    cache.remember(B, sampled=False)
    assert cache.get(B) is False


def test_a_cache_without_room_remembers_nothing():
    cache = DecisionCache(0, 0)
    cache.remember(A, sampled=True)
    assert cache.get(A) is None
