"""What can be set at `receivers::prometheus`: the part of Prometheus' own configuration that is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from tollspan.collector.config.values import Duration, Opaque, Size
from tollspan.collector.secret_file import read_secret
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret


class StaticConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`static_configs`: targets as `host:port`, and labels for everything that comes from them."""

    targets: list[str] = []
    labels: dict[str, str] = {}


class AuthorizationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`authorization`. The file is read for each scrape."""

    type: str = "Bearer"
    credentials: Opaque = Secret("")
    credentials_file: str = ""

    def header(self) -> str:
        """The header's value; ConfigError when the file cannot be read."""
        return (
            f"{self.type} {read_secret('credentials_file', self.credentials_file, self.credentials).reveal()}"
        )


class TLSTargetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`tls_config`."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False

    def client(self) -> TLSClientConfig:
        """The same as the Collector's own settings."""
        return TLSClientConfig(
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
            server_name_override=self.server_name,
            insecure_skip_verify=self.insecure_skip_verify,
        )


class ScrapeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`scrape_configs`: one job."""

    job_name: str
    scrape_interval_s: Duration | None = msgspec.field(default=None, name="scrape_interval")
    scrape_timeout_s: Duration | None = msgspec.field(default=None, name="scrape_timeout")
    metrics_path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"
    params: dict[str, list[str]] = {}
    honor_labels: bool = False
    honor_timestamps: bool = True
    body_size_limit: Size = 16 << 20
    authorization: AuthorizationConfig | None = None
    tls_config: TLSTargetConfig = TLSTargetConfig()
    static_configs: list[StaticConfig] = []


class GlobalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`global`."""

    scrape_interval_s: Duration = msgspec.field(default=60.0, name="scrape_interval")
    scrape_timeout_s: Duration = msgspec.field(default=10.0, name="scrape_timeout")


class PrometheusConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`config`."""

    globals: GlobalConfig = msgspec.field(default=GlobalConfig(), name="global")
    scrape_configs: list[ScrapeConfig] = []

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        names = [scrape.job_name for scrape in self.scrape_configs]
        if not any(static.targets for scrape in self.scrape_configs for static in scrape.static_configs):
            yield ConfigError("scrape_configs", "no Prometheus scrape_configs with static targets set")
        if len(set(names)) < len(names):
            yield ConfigError("scrape_configs", "two jobs have the same job_name")
        for scrape in self.scrape_configs:
            if not self.interval_s(scrape) or self.timeout_s(scrape) > self.interval_s(scrape):
                problem = f"scrape timeout greater than scrape interval for job {scrape.job_name}"
                yield ConfigError("scrape_configs", problem)

    def interval_s(self, scrape: ScrapeConfig) -> float:
        """From one scrape of that job to the next."""
        own = scrape.scrape_interval_s
        return self.globals.scrape_interval_s if own is None else own

    def timeout_s(self, scrape: ScrapeConfig) -> float:
        """How long one scrape of that job may take: no longer than its interval when only that is set."""
        own = scrape.scrape_timeout_s
        return min(self.globals.scrape_timeout_s, self.interval_s(scrape)) if own is None else own


class PrometheusReceiverConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`receivers::prometheus`."""

    config: PrometheusConfig
