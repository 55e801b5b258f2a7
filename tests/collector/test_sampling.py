import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.sampling import (
    ALWAYS,
    NEVER,
    hash_randomness,
    hash_threshold,
    probability_of,
    randomness_text,
    ratio_of,
    read_randomness,
    read_threshold,
    read_trace_state,
    threshold_of,
    threshold_text,
    trace_randomness,
)
from tollspan.otlp._fnv import fnv1a_32

numbers = st.integers(0, NEVER - 1)


@pytest.mark.parametrize(
    ("probability", "precision", "text"),
    [
        (1.0, 4, "0"),
        (0.5, 4, "8"),
        (0.25, 4, "c"),
        (0.1, 4, "e666"),
        (0.1, 5, "e6666"),
        (1 / 3, 3, "aab"),
        (0.01, 4, "fd71"),
    ],
)
def test_probabilities_have_the_thresholds_of_the_specification(probability, precision, text):
    assert threshold_text(threshold_of(probability, precision)) == text


def test_what_is_too_small_to_be_told_is_never_sampled():
    assert threshold_of(2.0**-57, 4) == NEVER
    assert threshold_of(0.0, 4) == NEVER


@given(numbers)
def test_numbers_survive_their_text(number):
    assert read_threshold(threshold_text(number)) == number
    assert read_randomness(randomness_text(number)) == number


@pytest.mark.parametrize("text", ["", "x", "123456789012345", "F", "0x1"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="hexadecimal"):
        read_threshold(text)
    with pytest.raises(ValueError, match="hexadecimal"):
        read_randomness(text)


@given(st.binary(max_size=20), st.integers(0, (1 << 32) - 1))
def test_more_is_sampled_at_a_higher_percentage(data, seed):
    randomness = hash_randomness(data, seed)
    assert 0 <= randomness < NEVER
    sampled = [randomness >= hash_threshold(percentage) for percentage in (0, 1, 10, 50, 99, 100)]
    assert sampled == sorted(sampled)
    assert (sampled[0], sampled[-1]) == (False, True)


def test_a_hash_decides_by_its_lowest_fourteen_bits():
    """The Collector's original rule: sampled when the bucket is below the scaled percentage."""
    for number in range(500):
        data = number.to_bytes(16, "big")
        bucket = fnv1a_32((22).to_bytes(4, "little") + data) & 0x3FFF
        assert (hash_randomness(data, 22) >= hash_threshold(15)) == (bucket < int(15 * 163.84))


def test_randomness_of_a_trace_is_its_last_seven_bytes():
    assert trace_randomness(bytes(range(16))) == int.from_bytes(bytes(range(9, 16)), "big")


def test_the_example_of_the_collector_holds():
    state = read_trace_state("ot=th:0;rv:9b8233f7e3a151")
    assert state.randomness >= threshold_of(0.5, 4)
    state.threshold = threshold_of(0.5, 4)
    assert str(state) == "ot=th:8;rv:9b8233f7e3a151"
    assert probability_of(state.threshold) == 0.5
    assert probability_of(ALWAYS) == 1.0


def test_other_members_and_fields_of_the_tracestate_are_kept():
    assert str(read_trace_state("a=1, ot=xy:z;th:8,b=2")) == "ot=th:8;xy:z,a=1,b=2"
    assert str(read_trace_state("")) == ""
    with pytest.raises(ValueError, match="hexadecimal"):
        read_trace_state("ot=th:zz")
    with pytest.raises(ValueError, match="too long"):
        read_trace_state("ot=" + "x:y;" * 100)


def test_percentages_are_read_in_single_precision_as_the_collector_does():
    assert ratio_of(0.1) == pytest.approx(0.001)
    assert ratio_of(0.1) != 0.001
    assert ratio_of(250) == 1.0
