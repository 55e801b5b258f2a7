import pytest

from tollspan.collector.callers import writer
from tollspan.errors import InsufficientScopeError
from tollspan.otlp.signals import Signal


def test_a_writer_may_write_every_signal_and_read_none():
    caller = writer("shipper")
    assert (caller.subject, caller.tenant) == ("shipper", "")
    for signal in Signal:
        caller.require(signal.write_permission)
        with pytest.raises(InsufficientScopeError):
            caller.require(signal.read_permission)
