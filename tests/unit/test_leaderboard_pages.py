"""Page tokens come back as they were given, and no other text is one."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidArgument
from services.leaderboard import pages

CARD = "0123456789abcdef0123456789abcdef"


@given(st.integers(1, 10**15 - 1))
def test_a_boards_token_goes_on_after_its_rank(rank) -> None:
    assert pages.rank_of(pages.after_rank(rank)) == rank


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda at: at.replace(tzinfo=UTC)))  # noqa: DTZ001
def test_a_cards_token_goes_on_after_its_card_to_the_microsecond(issued_at) -> None:
    assert pages.card_of(pages.after_card(issued_at, CARD)) == (issued_at, CARD)


def test_no_token_is_the_first_page() -> None:
    assert pages.rank_of("") == 0
    assert pages.card_of("") == pages.FIRST_CARDS


@pytest.mark.parametrize(
    "token",
    [
        "50",
        "é",
        "=",
        "a",
        "*" * 10_000,
        *(base64.urlsafe_b64encode(t.encode()).decode() for t in ("rank -1", "rank 1 ", "rank ٣", f"rank {10**15}")),
        base64.urlsafe_b64encode(f"card {10**17} {CARD}x".encode()).decode(),
        base64.urlsafe_b64encode(f"card {9 * 10**17} {CARD}".encode()).decode(),
    ],
)
def test_a_token_that_no_list_gave_is_refused(token) -> None:
    for read in (pages.rank_of, pages.card_of):
        with pytest.raises(InvalidArgument) as refused:
            read(token)
        assert refused.value.violations[0].field == "page_token"


def test_one_lists_token_is_not_the_others() -> None:
    with pytest.raises(InvalidArgument):
        pages.card_of(pages.after_rank(3))
    with pytest.raises(InvalidArgument):
        pages.rank_of(pages.after_card(datetime(2026, 1, 1, tzinfo=UTC), CARD))
