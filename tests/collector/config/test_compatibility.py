"""compat.yaml and the page that is made of it.

`python tests/collector/config/test_compatibility.py` writes docs/collector/compatibility.md anew.
"""

import re
from pathlib import Path

import pytest
import yaml
from structlog.testing import capture_logs

from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Kind
from tollspan.collector.config.compatibility import find_foreign, foreign_keys, known_keys, struct_keys
from tollspan.collector.config.validate import ServiceSection, validate
from tollspan.collector.ottl.converters import CONVERTERS
from tollspan.collector.registry import build_registry

PAGE = Path(__file__).parents[3] / "docs" / "collector" / "compatibility.md"
THEIRS = Path(__file__).parents[2] / "data" / "collector_keys.yaml"
REGISTRY = build_registry(FACTORIES)

HEAD = """\
# Compatibility with the OpenTelemetry Collector

Made of the components' own configuration and of
[compat.yaml](../../src/tollspan/collector/compat.yaml). A key that is not in these tables
is unknown and an error. Ignored keys are accepted with a warning; refused ones are errors
that give the reason.
"""


def page():
    blocks = [HEAD]
    for kind in Kind:
        factories = {factory.type: factory for factory in REGISTRY[kind].values()}
        for name, factory in sorted(factories.items()):
            old = "".join(f", formerly `{old}`" for old in factory.old_names)
            blocks.append(
                f"## {kind.value}: `{name}`{old}\n\n" + table(kind.value, name, known_keys(factory))
            )
    telemetry = [key for key in struct_keys(ServiceSection) if key.startswith("telemetry::")]
    keys = (key.removeprefix("telemetry::") for key in telemetry)
    blocks.append("## service: `telemetry`\n\n" + table("service", "telemetry", keys))
    return "\n".join([*blocks, absent()])


def table(section, name, supported):
    rows = [(key, "yes", "") for key in supported]
    for path, foreign in foreign_keys().items():
        if path.startswith(f"{section}::{name}::"):
            fate = "ignored" if foreign.ignored else "refused"
            rows.append((path.removeprefix(f"{section}::{name}::"), fate, foreign.reason))
    lines = ["| Key | Supported | Why not |", "|---|---|---|"]
    return "\n".join(lines + [f"| `{key}` | {fate} | {why} |" for key, fate, why in sorted(rows)]) + "\n"


def absent():
    lines = ["## Not here\n", "| Component | Why |", "|---|---|"]
    for path, foreign in foreign_keys().items():
        if path.count("::") <= 1:
            lines.append(f"| `{path}` | {foreign.reason} |")
    return "\n".join(lines) + "\n"


def test_the_page_shows_what_the_code_has():
    assert PAGE.read_text() == page()


def test_no_key_is_both_supported_and_not():
    assert set(known_paths()) & foreign_keys().keys() == set()


def test_every_component_in_the_list_exists_or_is_said_not_to():
    sections = {kind.value: REGISTRY[kind] for kind in Kind} | {"service": {"telemetry": None}}
    sections["ottl"] = CONVERTERS
    for path in foreign_keys().keys() - {"connectors"}:
        section, name, *key = path.split("::")
        assert (name in sections[section]) is bool(key), path


def known_paths():
    """Every key of every component as it is written in a configuration."""
    for kind in Kind:
        for factory in REGISTRY[kind].values():
            yield from (f"{kind.value}::{factory.type}::{key}" for key in known_keys(factory))
    yield from (f"service::{key}" for key in struct_keys(ServiceSection))


def theirs():
    """Every key in collector_keys.yaml, as it is written in a configuration."""
    for section, components in yaml.safe_load(THEIRS.read_text()).items():
        for name, blocks in components.items() if not section.startswith(".") else ():
            for outer, keys in blocks.items():
                yield from ("::".join(filter(None, (section, name, outer, key))) for key in flat(keys))


def flat(keys):
    for key in keys:
        yield from flat(key) if isinstance(key, list) else (key,)


def test_every_key_of_the_collectors_components_is_supported_or_refused_with_a_reason():
    known, foreign = set(known_paths()), foreign_keys()
    silent = [
        path
        for path in theirs()
        if path not in known and not any(path == f or path.startswith(f"{f}::") for f in foreign)
    ]
    assert silent == []


@pytest.mark.parametrize("kind", list(Kind))
def test_every_component_has_a_page_with_an_example_of_itself(kind):
    for type_ in {factory.type for factory in REGISTRY[kind].values()}:
        text = (PAGE.parent / kind.value / f"{type_}.md").read_text()
        examples = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        ids = {name for example in examples for name in yaml.safe_load(example).get(kind.value) or ()}
        assert type_ in {name.partition("/")[0] for name in ids}


def test_a_key_is_found_under_a_named_component():
    foreign = find_foreign("receivers::otlp/two::protocols::http::transport", REGISTRY)
    assert foreign is not None
    assert not foreign.ignored
    assert find_foreign("receivers::otlp::protocols::http::transportt", REGISTRY) is None


def document(**otlp_http):
    return {
        "receivers": {"otlp": {"protocols": {"http": otlp_http}}},
        "exporters": {"debug": None},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
    }


def test_a_refused_key_is_an_error_that_says_why():
    with pytest.raises(ExceptionGroup) as caught:
        validate(document(transport="unix"), REGISTRY)
    (problem,) = caught.value.exceptions
    assert (
        str(problem) == "receivers::otlp::protocols::http::transport: is not supported (only TCP is served)"
    )


def test_an_ignored_key_is_a_warning():
    with capture_logs() as logs:
        validate(document(idle_timeout="60s"), REGISTRY)
    assert [(log["event"], log["log_level"]) for log in logs] == [("config_key_ignored", "warning")]


def test_a_component_of_the_collector_that_is_not_here_says_what_to_use_instead():
    with pytest.raises(ExceptionGroup) as caught:
        validate({**document(), "extensions": {"pprof": None}}, REGISTRY)
    (problem,) = caught.value.exceptions
    assert str(problem).startswith('extensions::pprof: the type "pprof" is not supported (use a profiler')


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
