"""The stock OpenTelemetry SDK for Java sends all signals to the gateway, over both protocols."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from helpers.gateway import Gateway

pytestmark = pytest.mark.timeout(300)

FOLDER = Path(__file__).parents[1] / "data" / "otel_java"
PERMISSIONS = "write:traces,write:metrics,write:logs,read:traces,read:metrics,read:logs"


@pytest.fixture(scope="module")
def class_path(tmp_path_factory, skip_without):
    """The folder of the SDK and what it depends on, from Maven Central."""
    maven = shutil.which("mvn") or skip_without("Maven (Debian: apt-get install maven)")
    folder = tmp_path_factory.mktemp("jars")
    copy = ["-q", "-B", "-f", FOLDER / "pom.xml", "dependency:copy-dependencies"]
    subprocess.run([maven, *copy, f"-DoutputDirectory={folder}"], check=True)
    return folder


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_what_it_sends_is_stored(class_path, tmp_path, protocol):
    with Gateway(tmp_path / "data") as gateway:
        key = gateway.create_credential("java", PERMISSIONS, kind="api_key")["api_key"]
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": gateway.grpc if protocol == "grpc" else gateway.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={key}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_SERVICE_NAME": "java-shop",
        }
        command = ["java", "-cp", f"{class_path}/*", FOLDER / "Send.java"]
        done = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, check=True
        )
        with httpx.Client(base_url=gateway.url, headers={"X-API-Key": key}) as http:
            trace = http.get(f"/api/v1/traces/{done.stdout.strip()}").raise_for_status().json()
            logs, metrics = http.get("/api/v1/logs").json(), http.get("/api/v1/metrics").json()

    assert (trace["names"], trace["services"]) == (["GET /cart from Java"], ["java-shop"])
    assert [record["body"] for record in logs["data"]] == ["paid from Java"]
    assert "java.orders" in [metric["name"] for metric in metrics["data"]]
