"""Subjects, partitions and headers are a contract with what is stored already."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import events
from laurels.points.v1.events_pb2 import TierChanged

IDENTIFIERS = st.text("ABCXYZabcxyz0189_-", min_size=1, max_size=64)


@pytest.mark.parametrize(
    ("member", "expected"),
    [("_", 0), ("ann", 3), ("c00001", 1), ("c00002", 3), ("A" * 64, 4), ("a-b_C9", 2)],
)
def test_a_member_keeps_its_partition_for_ever(member: str, expected: int) -> None:
    """Claims are stored under it, and consumers' lanes are cut by it."""
    assert events.PARTITIONS == 8
    assert events.partition(member) == expected


@given(IDENTIFIERS, IDENTIFIERS, IDENTIFIERS)
def test_a_subject_says_whom_it_is_about_and_can_be_read_back(event: str, brand: str, member: str) -> None:
    found = events.subject("points", event, brand, member)
    assert found.split(".") == ["laurels", "points", event, f"p{events.partition(member)}", brand, member]


@given(IDENTIFIERS, IDENTIFIERS)
def test_events_of_a_member_share_a_partition_whatever_they_are_and_whose_brand_it_is(brand: str, member: str) -> None:
    tokens = {
        events.subject(service, event, one, member).split(".")[3]
        for service in ("points", "missions")
        for event in ("TierChanged", "BadgeEarned")
        for one in (brand, "another")
    }
    assert len(tokens) == 1


def test_every_partition_gets_members() -> None:
    """A lane without members would be a worker without work."""
    counts = [0] * events.PARTITIONS
    for number in range(8_000):
        counts[events.partition(f"c{number:05}")] += 1
    assert min(counts) > 800


def test_an_event_s_message_is_found_by_its_type_and_an_unknown_one_is_a_key_error() -> None:
    assert events.message_class("laurels.points.v1.TierChanged") is TierChanged
    with pytest.raises(KeyError):
        events.message_class("laurels.points.v1.NoSuchEvent")


def test_headers_are_cloudevents_and_drop_duplicates_by_the_event_s_id() -> None:
    found = events.headers("points", 17, "laurels.points.v1.TierChanged", "")
    assert found == {
        "Nats-Msg-Id": "17",
        "ce-specversion": "1.0",
        "ce-id": "17",
        "ce-source": "/laurels/points",
        "ce-type": "laurels.points.v1.TierChanged",
    }
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    assert events.headers("points", 17, "laurels.points.v1.TierChanged", trace) == found | {"traceparent": trace}
