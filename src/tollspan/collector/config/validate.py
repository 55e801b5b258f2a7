"""The merged mapping, checked as a whole: sections, components, pipelines, references."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import structlog

from tollspan.collector.component import Factory, Kind, Registry
from tollspan.collector.config.compatibility import find_foreign
from tollspan.collector.config.decode import Decoding, FieldReference, suggest
from tollspan.collector.config.ids import ComponentID, parse_id
from tollspan.collector.config.telemetry import TelemetryConfig
from tollspan.collector.config.values import Parsed
from tollspan.errors import ConfigError
from tollspan.otlp.signals import Signal

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Part:
    """A configured component: what builds it, with what, and the extensions it names."""

    factory: Factory
    config: msgspec.Struct
    references: tuple[FieldReference, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline: its receivers, processors (in their order) and exporters by id."""

    id: str
    signal: Signal
    components: Mapping[Kind, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without known faults; `parts` has what pipelines use and the listed extensions."""

    parts: Mapping[Kind, Mapping[str, Part]]
    extensions: tuple[str, ...]
    pipelines: tuple[Pipeline, ...]
    telemetry: TelemetryConfig


class PipelineSection(msgspec.Struct, frozen=True, kw_only=True):
    """`service::pipelines::<id>`."""

    receivers: list[str] = []
    processors: list[str] = []
    exporters: list[str] = []

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.receivers:
            yield ConfigError("", "must have at least one receiver")
        if not self.exporters:
            yield ConfigError("", "must have at least one exporter")


class ServiceSection(msgspec.Struct, frozen=True, kw_only=True):
    """`service`."""

    extensions: list[str] = []
    pipelines: dict[str, PipelineSection] = {}
    telemetry: TelemetryConfig = TelemetryConfig()


Body = Annotated[Any, Parsed(lambda body: body)]
"""A component's settings as they are: each field chooses between a reference's text and its value."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration."""

    receivers: dict[str, Body] = {}
    processors: dict[str, Body] = {}
    exporters: dict[str, Body] = {}
    extensions: dict[str, Body] = {}
    service: ServiceSection = ServiceSection()


def validate(
    document: Mapping[str, Any], registry: Registry, *, pipelines_required: bool = True
) -> Configuration:
    """The configuration that `document` describes; a service of extensions alone requires no pipelines.

    Raises an ExceptionGroup with a ConfigError for each problem, in the Collector's words
    where it has some.
    """
    if not document:
        raise ExceptionGroup("invalid configuration", [ConfigError("", "empty configuration file")])
    checking = _Checking(registry)
    if pipelines_required:
        checking.require_pipelines(document)
    configuration = checking.check(document)
    if checking.problems:
        raise ExceptionGroup("invalid configuration", checking.problems)
    return configuration


class _Checking(Decoding):
    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry
        self._known: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        self._parts: dict[Kind, dict[str, Part]] = {kind: {} for kind in Kind}

    def unknown_key(self, path: str, hint: str) -> None:
        """Note that nothing is known at `path`, unless the Collector knows it."""
        foreign = find_foreign(path, self._registry)
        if foreign is None:
            super().unknown_key(path, hint)
        elif foreign.ignored:
            _log.warning("config_key_ignored", key=path, reason=foreign.reason)
        else:
            self.problem(path, "is not supported", foreign.reason)

    def require_pipelines(self, mapping: Mapping[str, Any]) -> None:
        for kind in (Kind.RECEIVER, Kind.EXPORTER):
            if not mapping.get(kind.value):
                self.problem("", f"no {_noun(kind)} configuration specified in config")
        service = mapping.get("service")
        if not isinstance(service, Mapping) or not service.get("pipelines"):
            self.problem("service::pipelines", "service must have at least one pipeline")

    def check(self, mapping: Mapping[str, Any]) -> Configuration:
        document = self.struct(Document, mapping, "")
        assert document is not None, "a document has no required fields"
        for kind in Kind:
            self._check_section(kind, getattr(document, kind.value))
        checked = (self._check_pipeline(*item) for item in document.service.pipelines.items())
        pipelines = tuple(pipeline for pipeline in checked if pipeline)
        extensions = self._resolve(Kind.EXTENSION, document.service.extensions, "service::extensions")
        parts = self._used(extensions, pipelines)
        self._check_references(parts, extensions)
        return Configuration(parts, extensions, pipelines, document.service.telemetry)

    def _check_section(self, kind: Kind, section: Mapping[str, Any]) -> None:
        for key, body in section.items():
            path = f"{kind.value}::{key}"
            component_id = self._parse_id(key, path)
            if component_id is None:
                continue
            if str(component_id) in self._known[kind]:
                self.problem(path, f"the id {str(component_id)!r} is used twice")
            self._known[kind].add(str(component_id))
            factory = self._registry[kind].get(component_id.type)
            if factory is None:
                self._refuse_type(kind, component_id)
                continue
            before = len(self.references)
            config = self.struct(factory.config, body, path)
            if config is not None:
                references = tuple(self.references[before:])
                self._parts[kind][str(component_id)] = Part(factory, config, references)

    def _refuse_type(self, kind: Kind, component_id: ComponentID) -> None:
        path = f"{kind.value}::{component_id}"
        foreign = find_foreign(path, self._registry)
        if foreign is not None:
            self.problem(path, f'the type "{component_id.type}" is not supported', foreign.reason)
            return
        valid = sorted(self._registry[kind])
        problem = f'unknown type: "{component_id.type}" for id: "{component_id}"'
        hint = suggest(component_id.type, valid)
        listed = f" (valid values: [{' '.join(valid)}])"
        self.problem(path, problem + listed, hint if "mean" in hint else "")

    def _check_pipeline(self, key: str, section: PipelineSection) -> Pipeline | None:
        path = f"service::pipelines::{key}"
        pipeline_id = self._parse_id(key, path)
        if pipeline_id is None:
            return None
        components = {
            Kind.RECEIVER: self._resolve(Kind.RECEIVER, section.receivers, path),
            Kind.PROCESSOR: self._resolve(Kind.PROCESSOR, section.processors, path),
            Kind.EXPORTER: self._resolve(Kind.EXPORTER, section.exporters, path),
        }
        if pipeline_id.type not in [signal.value for signal in Signal]:
            signals = ", ".join(signal.value for signal in Signal)
            self.problem(path, f"unknown signal {pipeline_id.type!r}", f"a pipeline is one of: {signals}")
            return None
        pipeline = Pipeline(str(pipeline_id), Signal(pipeline_id.type), components)
        for kind, ids in components.items():
            for component_id in ids:
                part = self._parts[kind].get(component_id)
                if part is not None and pipeline.signal not in part.factory.signals:
                    what = f'{_noun(kind)} "{component_id}" does not support {pipeline.signal.value}'
                    self.problem(path, what)
        return pipeline

    def _resolve(self, kind: Kind, names: Iterable[str], path: str) -> tuple[str, ...]:
        """The ids in `names` that are configured, each once."""
        resolved: dict[str, None] = {}
        for name in names:
            component_id = str(self._parse_id(name, path) or "")
            if component_id in resolved:
                self.problem(path, f'references {_noun(kind)} "{component_id}" multiple times')
            elif component_id in self._known[kind]:
                resolved[component_id] = None
            elif component_id:
                hint = suggest(component_id, self._known[kind])
                what = f'references {_noun(kind)} "{component_id}" which is not configured'
                self.problem(path, what, hint)
        return tuple(resolved)

    def _used(self, extensions: Iterable[str], pipelines: Iterable[Pipeline]) -> dict[Kind, dict[str, Part]]:
        used = {kind: set[str]() for kind in Kind}
        used[Kind.EXTENSION].update(extensions)
        for pipeline in pipelines:
            for kind, ids in pipeline.components.items():
                used[kind].update(ids)
        return {
            kind: {name: part for name, part in parts.items() if name in used[kind]}
            for kind, parts in self._parts.items()
        }

    def _check_references(self, parts: Mapping[Kind, Mapping[str, Part]], extensions: Container[str]) -> None:
        used = itertools.chain.from_iterable(by_id.values() for by_id in parts.values())
        for reference in itertools.chain.from_iterable(part.references for part in used):
            what = f'references extension "{reference.extension_id}" which is not '
            if reference.extension_id not in self._known[Kind.EXTENSION]:
                hint = suggest(reference.extension_id, self._known[Kind.EXTENSION])
                self.problem(reference.path, what + "configured", hint)
            elif reference.extension_id not in extensions:
                self.problem(reference.path, what + "started", "add it to service::extensions")

    def _parse_id(self, text: str, path: str) -> ComponentID | None:
        try:
            return parse_id(text)
        except ValueError as error:
            self.problem(path, str(error))
            return None


def _noun(kind: Kind) -> str:
    return kind.value.removesuffix("s")
