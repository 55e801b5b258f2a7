import asyncio

import grpc
import httpx
import pytest
import trustme

from helpers.grpc_peer import running_grpc_peer
from helpers.otlp_peer import running_peer
from helpers.pipelines import QUICK, running_pipeline
from helpers.signals import trace_request
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.validate import validate
from tollspan.collector.registry import build_registry
from tollspan.otlp.protobuf import field_bytes, field_varint

PLAIN = {"insecure": True}


def sending(peer, tls=PLAIN, **settings):
    return {"endpoint": peer.url, "tls": tls, "retry_on_failure": QUICK, **settings}


async def send(pipeline, spans=2):
    async with httpx.AsyncClient(base_url=pipeline.url) as http:
        body = trace_request(spans).SerializeToString()
        headers = {"Content-Type": "application/x-protobuf"}
        assert (await http.post("/v1/traces", content=body, headers=headers)).status_code == 200


async def test_a_request_goes_out_as_it_came_in():
    async with running_grpc_peer() as peer:
        settings = sending(peer, headers={"X-Team": "shop"})
        async with running_pipeline("otlp/tempo", settings) as pipeline:
            await send(pipeline)
            await peer.wait_until(lambda: len(peer.names) == 2)

    assert peer.calls[0]["x-team"] == "shop"
    assert peer.calls[0]["user-agent"].startswith("Tollspan-Collector/")


async def test_an_http_url_means_without_tls():
    async with running_grpc_peer() as peer:
        settings = {"endpoint": f"http://{peer.url}"}
        async with running_pipeline("otlp_grpc", settings) as pipeline:
            await send(pipeline)
            await peer.wait_until(lambda: len(peer.names) == 2)


DELAY = field_bytes(1, field_varint(2, 1_000_000))

TROUBLE = {
    "unavailable": (grpc.StatusCode.UNAVAILABLE, "restarting", ()),
    "deadline": (grpc.StatusCode.DEADLINE_EXCEEDED, "slow", ()),
    "exhausted": (grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", (("google.rpc.retryinfo-bin", DELAY),)),
    "unauthenticated": (grpc.StatusCode.UNAUTHENTICATED, "who?", ()),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_that_passes_costs_nothing(name):
    async with running_grpc_peer() as peer:
        peer.faults.append(TROUBLE[name])
        async with running_pipeline("otlp_grpc", sending(peer)) as pipeline:
            await send(pipeline)
            await peer.wait_until(lambda: len(peer.names) == 2)

    assert len(peer.calls) == 2
    assert pipeline.count("otelcol_exporter_send_failed_spans") == 0


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "PERMISSION_DENIED", "INTERNAL", "RESOURCE_EXHAUSTED"])
async def test_what_is_refused_for_good_is_counted_and_not_sent_again(code):
    async with running_grpc_peer() as peer:
        peer.faults.append((grpc.StatusCode[code], "no", ()))
        async with running_pipeline("otlp_grpc", sending(peer)) as pipeline:
            await send(pipeline, 3)
            await pipeline.counted("otelcol_exporter_send_failed_spans", 3)

    assert len(peer.calls) == 1


async def test_a_message_that_is_too_large_is_sent_in_pieces():
    async with (
        running_grpc_peer(message_bytes_max=200) as peer,
        running_pipeline("otlp_grpc", sending(peer)) as pipeline,
    ):
        await send(pipeline, 40)
        await peer.wait_until(lambda: len(peer.names) == 40)

    assert pipeline.count("otelcol_exporter_sent_spans") == 40


async def test_rejected_items_are_counted():
    async with running_grpc_peer() as peer:
        peer.answer = field_bytes(1, field_varint(1, 1) + field_bytes(2, b"too old"))
        async with running_pipeline("otlp_grpc", sending(peer)) as pipeline:
            await send(pipeline)
            await pipeline.counted("otelcol_exporter_send_failed_spans", 1)

    assert pipeline.count("otelcol_exporter_sent_spans") == 1


async def test_access_tokens_go_over_plain_text_too_and_are_replaced_when_refused():
    with running_peer(token_lifetime_s=3600) as issuer:
        extension = {"client_id": "shipper", "client_secret": "hush", "token_url": f"{issuer.url}/token"}
        async with running_grpc_peer() as peer:
            peer.tokens = {"Bearer access-token-2"}
            settings = sending(peer, auth={"authenticator": "oauth2client"})
            async with running_pipeline(
                "otlp_grpc", settings, extensions={"oauth2client": extension}
            ) as pipeline:
                await send(pipeline)
                await peer.wait_until(lambda: len(peer.names) == 2)

    tokens = [call["authorization"] for call in peer.calls]
    assert tokens == ["Bearer access-token-1", "Bearer access-token-2"]


async def test_tls_both_ways(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = authority.issue_cert("localhost")
    client = authority.issue_cert("shipper")
    client.private_key_pem.write_to_path(tmp_path / "key.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    pair = (server.private_key_pem.bytes(), server.cert_chain_pems[0].bytes())
    required = grpc.ssl_server_credentials([pair], authority.cert_pem.bytes(), require_client_auth=True)
    tls = {name: str(tmp_path / f"{name[:-5]}.pem") for name in ("ca_file", "cert_file", "key_file")}
    async with (
        running_grpc_peer(required) as peer,
        running_pipeline("otlp_grpc", sending(peer, tls)) as pipeline,
    ):
        await send(pipeline)
        await peer.wait_until(lambda: len(peer.names) == 2)


async def test_a_server_with_an_unknown_certificate_gets_nothing():
    server = trustme.CA().issue_cert("localhost")
    credentials = grpc.ssl_server_credentials(
        [(server.private_key_pem.bytes(), server.cert_chain_pems[0].bytes())]
    )
    async with running_grpc_peer(credentials) as peer:
        settings = sending(peer, {"ca_pem": trustme.CA().cert_pem.bytes().decode()}, timeout="1s")
        settings["retry_on_failure"] = {"enabled": False}
        async with running_pipeline("otlp_grpc", settings) as pipeline:
            await send(pipeline)
            await asyncio.wait_for(pipeline.counted("otelcol_exporter_send_failed_spans", 2), 10)

    assert peer.calls == []


def problems(exporter):
    document = {
        "receivers": {"otlp": {"protocols": {"http": None}}},
        "exporters": {"otlp": exporter},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp"]}}},
    }
    with pytest.raises(ExceptionGroup) as caught:
        validate(document, build_registry(FACTORIES))
    return [str(error) for error in caught.value.exceptions]


@pytest.mark.parametrize("endpoint", ["tempo", "tempo:grpc", "https://tempo", "", 4317])
def test_an_endpoint_without_a_port_is_refused(endpoint):
    assert any("otlp::endpoint: must be host:port" in text for text in problems({"endpoint": endpoint}))


def test_settings_of_tls_that_grpc_does_not_know_are_refused():
    (text,) = problems({"endpoint": "tempo:4317", "tls": {"insecure_skip_verify": True}})
    assert "otlp::tls::insecure_skip_verify: is not possible with gRPC" in text
