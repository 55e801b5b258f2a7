"""The Collector: asyncio pipelines that run the OpenTelemetry Collector's YAML."""
