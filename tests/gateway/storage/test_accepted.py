from tollspan.collector.component import Receipt
from tollspan.gateway.storage.accepted import Accepted


def test_the_newest_requests_are_remembered_with_their_answers():
    accepted = Accepted(size_max=2)
    accepted.add((bytes([number]), Receipt(rejected=number)) for number in range(5))
    assert [accepted.get(bytes([number])) for number in range(5)] == [
        None,
        None,
        None,
        Receipt(3),
        Receipt(4),
    ]
