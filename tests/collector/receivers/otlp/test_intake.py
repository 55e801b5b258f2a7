import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from tollspan import errors
from tollspan.collector.events import Refusal
from tollspan.collector.receivers.otlp.intake import DATASET_HEADERS, choose_dataset, classify
from tollspan.oauth2.principal import Principal
from tollspan.otlp.http_exchange import HTTPProblem

NAMES = st.sampled_from(["default", "shop", "bank", "a b", "", "x" * 129, "é", "a/b"])


@given(
    st.frozensets(st.sampled_from(["default", "shop", "bank"])),
    st.dictionaries(st.sampled_from(DATASET_HEADERS), NAMES),
)
def test_a_chosen_dataset_is_always_one_that_the_caller_may_use(datasets, headers):
    principal = Principal("writer", "acme", frozenset(), datasets)
    try:
        dataset = choose_dataset(principal, headers)
    except (HTTPProblem, errors.WireError):
        return
    assert principal.may_use(dataset)
    named = [headers[header] for header in DATASET_HEADERS if header in headers]
    assert not named or dataset == named[0]


@pytest.mark.parametrize(
    ("datasets", "headers", "dataset"),
    [
        ((), {}, "default"),
        (("shop",), {}, "shop"),
        (("default", "shop"), {}, "default"),
        (("shop", "bank"), {"x-axiom-dataset": "bank"}, "bank"),
        (("shop", "bank"), {"x-axiom-metrics-dataset": "bank"}, "bank"),
    ],
)
def test_without_a_header_the_dataset_is_the_only_one_or_the_default(datasets, headers, dataset):
    assert choose_dataset(Principal("writer", "acme", frozenset(), frozenset(datasets)), headers) == dataset


def test_two_datasets_and_no_header_leave_no_choice():
    with pytest.raises(HTTPProblem, match="may not write to the dataset default"):
        choose_dataset(Principal("writer", "acme", frozenset(), frozenset({"shop", "bank"})), {})


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (HTTPProblem(404, ""), Refusal.UNSUPPORTED),
        (HTTPProblem(403, ""), Refusal.FORBIDDEN),
        (HTTPProblem(408, ""), Refusal.TOO_SLOW),
        (HTTPProblem(429, ""), Refusal.UNAVAILABLE),
        (errors.MissingTokenError(""), Refusal.UNAUTHENTICATED),
        (errors.InvalidTokenError(""), Refusal.UNAUTHENTICATED),
        (errors.InsufficientScopeError("write:logs"), Refusal.FORBIDDEN),
        (errors.TokenRequestError("", "server_error"), Refusal.UNAVAILABLE),
        (errors.WireError(""), Refusal.MALFORMED),
        (errors.LimitError("", 1), Refusal.TOO_LARGE),
        (errors.RetryableError(""), Refusal.UNAVAILABLE),
        (errors.StoreError(""), Refusal.UNAVAILABLE),
        (errors.StoreError("", retryable=False), Refusal.PERMANENT),
        (errors.PermanentError(""), Refusal.PERMANENT),
        (ClientDisconnect(), Refusal.DISCONNECTED),
        (errors.QueryError("", ""), Refusal.DEFECT),
        (KeyError(), Refusal.DEFECT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_a_reason(error, refusal):
    assert classify(error) is refusal
