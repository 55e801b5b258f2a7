"""The manifests under deploy against Kubernetes' own schemas, and the chart through Go's templates."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tollspan.collector import graph
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.registry import build_registry

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm" / "tollspan-collector"
VERSION = "1.31"

# Helm renders with Go's text/template; the chart uses no function beyond Go's own.
RENDER = """
package main

import (
	"encoding/json"
	"os"
	"text/template"
)

func main() {
	var data map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&data); err != nil {
		panic(err)
	}
	chart := template.Must(template.ParseFiles(os.Args[1])).Option("missingkey=error")
	if err := chart.Execute(os.Stdout, data); err != nil {
		panic(err)
	}
}
"""


@pytest.fixture(scope="module")
def check_manifest(skip_without):
    try:
        import kubernetes_validate  # noqa: PLC0415 - may be missing
    except ImportError:
        skip_without("kubernetes-validate (PyPI)")
    return lambda document: kubernetes_validate.validate(document, VERSION, strict=True)


@pytest.mark.parametrize("path", sorted((DEPLOY / "kubernetes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_manifest_suits_its_schema(check_manifest, path):
    for document in yaml.safe_load_all(path.read_text()):
        check_manifest(document)


@pytest.fixture(scope="module")
def render(tmp_path_factory, skip_without):
    """Renders the chart with these settings for `otelCollector.mlflow.oauth2`; the documents."""
    if shutil.which("go") is None:
        skip_without("Go")
    program = tmp_path_factory.mktemp("render") / "render.go"
    program.write_text(RENDER)
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def render(**oauth2):
        changed = json.loads(json.dumps(values))
        changed["otelCollector"]["mlflow"]["oauth2"] |= oauth2
        data = json.dumps({"Values": changed, "Release": {"Name": "test"}})
        template = CHART / "templates" / "otel-collector.yaml"
        done = subprocess.run(
            ["go", "run", str(program), str(template)],
            input=data,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    return render


@pytest.mark.parametrize(
    "oauth2", [{}, {"enabled": False}, {"tlsEnabled": True, "scopes": ["a", "b"]}], ids=str
)
def test_the_chart_renders_manifests_and_a_configuration_that_can_be_run(render, check_manifest, oauth2):
    documents = render(**oauth2)
    for document in documents:
        check_manifest(document)

    config = load([f"yaml:{documents[0]['data']['config.yaml']}"])
    graph_of = graph.build(validate(config, build_registry(FACTORIES)))
    assert ("oauth2client/mlflow" in graph_of.extensions) is oauth2.get("enabled", True)
    if oauth2.get("tlsEnabled"):
        client = config["extensions"]["oauth2client/mlflow"]
        assert client["tls"]["ca_file"].endswith("tls-ca-bundle.pem")
        assert client["scopes"] == ["a", "b"]
