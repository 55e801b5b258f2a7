import pytest

from tollspan.otlp.signals import Signal
from tollspan.sdk.grpc_sender import GRPCSender
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.senders import new_sender
from tollspan.sdk.settings import read_settings

URL = "http://localhost:4317"


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"TOLLSPAN_ENDPOINT": URL}, HTTPSender),
        ({"TOLLSPAN_ENDPOINT": URL, "TOLLSPAN_PROTOCOL": "grpc"}, GRPCSender),
        ({"TOLLSPAN_ENDPOINT": URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, HTTPSender),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": URL}, HTTPSender),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, GRPCSender),
    ],
    ids=["default", "ours", "standard protocol, our endpoint", "standard default", "standard"],
)
def test_the_protocol_chooses_the_sender(environ: dict[str, str], kind: type) -> None:
    settings, problems = read_settings({}, environ)
    assert problems == []
    sender = new_sender(Signal.TRACES, settings, HTTPTransport(settings), None)
    assert isinstance(sender, kind)
    assert sender.destination == "localhost:4317"
    sender.close()
