import argparse

import pytest

from tollspan.gateway.authserver.terminal import lay_out, read_duration_s, show_time


def test_cells_stand_below_each_other_and_no_line_ends_in_spaces():
    assert lay_out([("A", "LONG", ""), ("word", "b", "")]) == "A     LONG\nword  b"


@pytest.mark.parametrize(
    ("time_s", "shown"),
    [(None, None), (0.0, "1970-01-01T00:00:00Z"), (1_800_000_000.9, "2027-01-15T08:00:00Z")],
)
def test_a_time_is_rfc_3339_in_utc(time_s, shown):
    assert show_time(time_s) == shown


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90", 90), ("90s", 90), ("60m", 3600), ("12h", 43200), ("90d", 7776000)]
)
def test_a_duration_has_one_unit(text, seconds):
    assert read_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5h", "1h30m", "1w", "1" * 20])
def test_anything_else_is_no_duration(text):
    with pytest.raises(argparse.ArgumentTypeError, match="duration"):
        read_duration_s(text)
