from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.exporters.loadbalancing.ring import POINTS, POSITIONS, Ring

ENDPOINTS = [f"gateway-{number}:4317" for number in range(5)]


@given(st.binary(max_size=20), st.sets(st.sampled_from(ENDPOINTS), min_size=1))
def test_a_key_belongs_to_the_next_point_on_the_ring(key, endpoints):
    def distance(endpoint):
        position = crc32(key) % POSITIONS
        points = [crc32(endpoint.encode() + bytes([number])) % POSITIONS for number in range(POINTS)]
        return min((point - position) % POSITIONS for point in points)

    assert distance(Ring(endpoints).endpoint(key)) == min(map(distance, endpoints))


@given(st.permutations(ENDPOINTS), st.binary())
def test_the_order_in_which_endpoints_are_named_means_nothing(endpoints, key):
    assert Ring(endpoints).endpoint(key) == Ring(ENDPOINTS).endpoint(key)


def test_when_an_endpoint_goes_only_its_own_keys_move():
    keys = [number.to_bytes(16, "big") for number in range(2000)]
    before, after = Ring(ENDPOINTS), Ring(ENDPOINTS[1:])
    stayed = [key for key in keys if before.endpoint(key) == after.endpoint(key)]
    assert [key for key in keys if key not in set(stayed)] == [
        key for key in keys if before.endpoint(key) == ENDPOINTS[0]
    ]


def test_every_endpoint_has_its_part_of_the_keys():
    found = {Ring(ENDPOINTS).endpoint(number.to_bytes(16, "big")) for number in range(500)}
    assert found == set(ENDPOINTS)
