"""Scrapes Prometheus targets.

    receivers:
      prometheus:
        config:
          global:
            scrape_interval: 15s
          scrape_configs:
            - job_name: shop
              static_configs:
                - targets: [shop:8000]

`config` is a Prometheus configuration of which static targets are read. Each target is a
resource: `service.name` is its job, `service.instance.id` its address, and what its
`target_info` says. Besides the target's own metrics there are `up`,
`scrape_duration_seconds` and `scrape_samples_scraped`. A scrape that the pipeline cannot
take is counted as refused and not kept: the next one follows soon.
"""
