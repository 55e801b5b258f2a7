import struct

import cramjam
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.exporters.prometheus_remote_write.series import Sample
from tollspan.collector.exporters.prometheus_remote_write.write_request import build_requests
from tollspan.otlp.protobuf import read_fields


def read(body):
    """The samples of a request, read field by field (prometheus/prompb/types.proto)."""
    samples = []
    for number, _, series in read_fields(bytes(cramjam.snappy.decompress_raw(body))):
        assert number == 1
        labels, point = [], {}
        for field, _, part in read_fields(series):
            parts = {n: value for n, _, value in read_fields(part)}
            if field == 1:
                labels.append((parts[1].decode(), parts.get(2, b"").decode()))
            else:
                point = parts
        assert labels == sorted(labels)
        value = struct.unpack("<d", struct.pack("<Q", point[1]))[0]
        samples.append(Sample(dict(labels), value, point[2]))
    return samples


labels = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), min_size=1, max_size=4)
samples = st.lists(
    st.builds(Sample, labels, st.floats(allow_nan=False), st.integers(min_value=0, max_value=1 << 50))
)


@given(samples, st.integers(min_value=1, max_value=400))
def test_the_requests_hold_every_sample_once_and_in_order(samples, bytes_max):
    bodies = list(build_requests(samples, bytes_max))
    assert [sample for body in bodies for sample in read(body)] == samples
    for body in bodies:
        assert len(read(body)) == 1 or len(cramjam.snappy.decompress_raw(body)) <= bytes_max
