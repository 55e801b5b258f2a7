"""The component: a task per target that scrapes it again and again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog

from tollspan.collector.component import Consumer, Factory, Host, Kind
from tollspan.collector.config.values import split_endpoint
from tollspan.collector.events import ReceiverEvents, Refusal
from tollspan.collector.http_client import HTTPClient
from tollspan.collector.receivers.prometheus.config import (
    PrometheusConfig,
    PrometheusReceiverConfig,
    ScrapeConfig,
)
from tollspan.collector.receivers.prometheus.exposition import (
    Scraped,
    build_gauge,
    build_request,
    read_exposition,
)
from tollspan.errors import ConfigError, RetryableError, TollspanError
from tollspan.otlp import _reshape
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

_log = structlog.get_logger()

_ACCEPT = "text/plain;version=0.0.4;q=0.9,*/*;q=0.1"


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one job."""

    job: ScrapeConfig
    address: str
    labels: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where its metrics are."""
        query = urlencode(self.job.params, doseq=True)
        return f"{self.job.scheme}://{self.address}{self.job.metrics_path}" + (f"?{query}" if query else "")

    def resource(self, info: Mapping[str, str]) -> dict[str, str]:
        """The target as a resource; `info` are the labels of its `target_info`."""
        host, port = self.address, ""
        if ":" in self.address:
            host, number = split_endpoint(self.address)
            port = str(number)
        return {
            **info,
            "service.name": self.job.job_name,
            "service.instance.id": self.address,
            "server.address": host,
            "server.port": port,
            "url.scheme": self.job.scheme,
        }


class PrometheusReceiver:
    """Scrapes from `start` to `shutdown`. The first scrapes are spread over the interval."""

    def __init__(self, config: PrometheusReceiverConfig, consumers: Mapping[Signal, Consumer]) -> None:
        self._config: PrometheusConfig = config.config
        self._consumer = consumers[Signal.METRICS]
        self._clients: list[HTTPClient] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, host: Host) -> None:
        """Every target is being scraped."""
        self._events = ReceiverEvents(host.counters, host.component_id, "http")
        for job in self._config.scrape_configs:
            client = HTTPClient(job.tls_config.client())
            client.open()
            self._clients.append(client)
            for static in job.static_configs:
                for address in static.targets:
                    if address.startswith("0.0.0.0"):  # noqa: S104 - a warning about it
                        _log.warning("target_is_no_destination", target=address, instead="127.0.0.1")
                    target = Target(job, address, static.labels)
                    self._tasks.append(asyncio.create_task(self._scrape_forever(client, target)))

    async def shutdown(self) -> None:
        """Nothing is scraped any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            await client.close()

    async def _scrape_forever(self, client: HTTPClient, target: Target) -> None:
        interval_s = self._config.interval_s(target.job)
        clock = asyncio.get_running_loop().time
        next_s = clock() + interval_s * random.random()  # noqa: S311 - no secret
        while True:
            await asyncio.sleep(next_s - clock())
            try:
                await self.scrape(client, target)
            except Exception:
                _log.exception("scrape_defect", target=target.address)
            next_s = max(next_s + interval_s, clock())

    async def scrape(self, client: HTTPClient, target: Target) -> None:
        """One scrape has been handed on: what the target says, or only that it is down."""
        began_s, now_s = time.monotonic(), time.time()
        try:
            scraped = await self._fetch(client, target, now_s)
        except (RetryableError, ConfigError, ValueError) as error:
            _log.warning("scrape_failed", job=target.job.job_name, target=target.address, error=str(error))
            scraped = None
        report = {
            "up": 0.0 if scraped is None else 1.0,
            "scrape_duration_seconds": time.monotonic() - began_s,
            "scrape_samples_scraped": 0.0 if scraped is None else float(scraped.points),
        }
        metrics = [build_gauge(name, value, target.labels, now_s) for name, value in report.items()]
        found = scraped or Scraped([], 0, {})
        await self._deliver(build_request([*found.metrics, *metrics], target.resource(found.target_info)))

    async def _fetch(self, client: HTTPClient, target: Target, now_s: float) -> Scraped:
        job = target.job
        headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity"}
        if job.authorization is not None:
            headers["Authorization"] = job.authorization.header()
        answer = await client.request(
            "GET",
            target.url,
            headers=headers,
            timeout_s=self._config.timeout_s(job),
            bytes_max=job.body_size_limit + 1,
        )
        if answer.status != 200:
            raise RetryableError(f"HTTP {answer.status}")
        if len(answer.body) > job.body_size_limit:
            raise RetryableError(f"more than {job.body_size_limit} bytes")
        return await asyncio.to_thread(
            read_exposition,
            answer.body.decode("utf-8", "replace"),
            target.labels,
            now_s,
            honor_timestamps=job.honor_timestamps,
            honor_labels=job.honor_labels,
        )

    async def _deliver(self, wire: bytes) -> None:
        items = _reshape.count("metrics", wire)
        try:
            receipt = await self._consumer.consume(Batch(Signal.METRICS, wire, items))
            self._events.accepted(Signal.METRICS, items, receipt.rejected, receipt.reason)
        except TollspanError as error:
            self._events.refused(Signal.METRICS, Refusal.UNAVAILABLE, str(error), items)


FACTORY = Factory(
    kind=Kind.RECEIVER,
    type="prometheus",
    config=PrometheusReceiverConfig,
    build=PrometheusReceiver,
    signals=frozenset({Signal.METRICS}),
)
