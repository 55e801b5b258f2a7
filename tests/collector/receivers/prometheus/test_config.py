import pytest

from tollspan.collector.config.decode import Decoding
from tollspan.collector.receivers.prometheus.config import AuthorizationConfig, PrometheusReceiverConfig
from tollspan.oauth2.secret import Secret

TARGETS = [{"targets": ["x:1"]}]


def decode(**config):
    decoding = Decoding()
    decoded = decoding.struct(PrometheusReceiverConfig, {"config": config}, "")
    return decoded and decoded.config, [str(problem) for problem in decoding.problems]


def test_a_job_inherits_what_is_set_for_all():
    config, problems = decode(
        **{"global": {"scrape_interval": "15s", "scrape_timeout": "5s"}},
        scrape_configs=[
            {"job_name": "a", "static_configs": TARGETS},
            {"job_name": "b", "static_configs": TARGETS, "scrape_interval": "2s"},
            {"job_name": "c", "static_configs": TARGETS, "scrape_timeout": "1s"},
        ],
    )
    assert problems == []
    times = [(config.interval_s(job), config.timeout_s(job)) for job in config.scrape_configs]
    assert times == [(15, 5), (2, 2), (15, 1)]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "no Prometheus scrape_configs"),
        ({"scrape_configs": [{"job_name": "a"}]}, "no Prometheus scrape_configs"),
        ({"scrape_configs": [{"job_name": "a", "static_configs": TARGETS}] * 2}, "the same job_name"),
        (
            {"scrape_configs": [{"job_name": "a", "static_configs": TARGETS, "scrape_timeout": "2m"}]},
            "scrape timeout greater than scrape interval",
        ),
        ({"scrape_configs": [{"static_configs": TARGETS}]}, "job_name: is required"),
        (
            {"remote_write": [], "scrape_configs": [{"job_name": "a", "static_configs": TARGETS}]},
            "remote_write",
        ),
    ],
)
def test_what_does_not_fit_is_told(config, problem):
    assert any(problem in text for text in decode(**config)[1])


def test_credentials_are_read_for_each_scrape(tmp_path):
    path = tmp_path / "token"
    path.write_text("one")
    authorization = AuthorizationConfig(credentials_file=str(path))
    assert authorization.header() == "Bearer one"
    path.write_text("two")
    assert authorization.header() == "Bearer two"
    assert AuthorizationConfig(type="Basic", credentials=Secret("x")).header() == "Basic x"
