from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.secret import Secret

TOKEN = AccessToken(Secret("abc"), expires_in_s=100.0, received_s=1000.0)


def test_it_expires_at_the_end_of_its_lifetime_and_not_before():
    assert not TOKEN.expired(1099.9)
    assert TOKEN.expired(1100.0)


def test_its_refresh_time_is_a_part_of_its_lifetime():
    assert TOKEN.refresh_at_s(0.75) == 1075.0


def test_its_repr_shows_no_value():
    assert "abc" not in repr(TOKEN)
