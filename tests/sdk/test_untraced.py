import pytest
from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled, is_instrumentation_enabled

from tollspan.sdk.untraced import untraced


def test_instrumentation_is_off_inside_and_on_again_outside() -> None:
    with untraced():
        assert not is_instrumentation_enabled()
        assert not is_http_instrumentation_enabled()
        assert otel_context.get_value("suppress_instrumentation") is True
    assert is_instrumentation_enabled()
    assert otel_context.get_value("suppress_instrumentation") is None


def test_an_error_inside_ends_it_too() -> None:
    with pytest.raises(KeyError), untraced():
        raise KeyError
    assert is_instrumentation_enabled()
