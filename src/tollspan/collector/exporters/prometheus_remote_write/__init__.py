"""Sends metrics to Prometheus, Mimir and others that take Prometheus remote write 1.0.

    exporters:
      prometheus_remote_write:
        endpoint: http://mimir:9009/api/v1/push
        resource_to_telemetry_conversion:
          enabled: true

Names follow Prometheus: units are appended, counters end in `_total`. `job` and `instance`
come from the service's attributes; what else a resource has is in `target_info`, and on
every series with `resource_to_telemetry_conversion`. Requests go one after the other,
because Prometheus wants the samples of a series in order. Exponential histograms become
native ones. Delta sums and histograms, which Prometheus does not know, are counted as rejected.
"""
