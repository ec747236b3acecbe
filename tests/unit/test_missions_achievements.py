"""The rules of badges, levels, quizzes and challenges, by their properties."""

import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from laurels.missions.v1 import programme_badges_pb2 as families
from laurels.missions.v1 import programme_quizzes_pb2 as quizzes
from laurels.missions.v1 import programme_together_pb2 as together
from laurels.missions.v1.programme_levels_pb2 import Level
from laurels.missions.v1.programme_pb2 import Badge
from services.missions import badge_rules, quiz_rules
from services.missions.challenge_rules import Refunded, Standing, kept, later, prize_of, ranked, team_of_value
from services.missions.level_rules import Experience, hear, newly_reached, place_of
from services.missions.quiz_rules import Given

AMOUNTS = st.integers(1, 10**9)


# -- challenges ----------------------------------------------------------------


def total_of(facts: list[tuple[str, int, int, int]]) -> int:
    """What facts come to, taken one after another: an activity's value, or how much of it is refunded of what."""
    values: dict[str, int] = {}
    refunds: dict[str, Refunded] = {}
    for name, value, refunded, whole in facts:
        if value:
            values[name] = value
        else:
            refunds[name] = later(refunds.get(name), Refunded(refunded, whole))
    return sum(kept(value, False, refunds.get(name)) for name, value in values.items())


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    facts = []
    for number in range(draw(st.integers(0, 12))):
        value = draw(AMOUNTS)
        facts.append((f"a{number}", value, 0, 0))
        facts += [(f"a{number}", 0, draw(st.integers(1, value)), value) for _ in range(draw(st.integers(0, 3)))]
    return facts


@given(histories(), st.randoms(use_true_random=False))
def test_a_total_is_the_same_whatever_the_order_and_how_often_its_facts_come(
    facts: list[tuple[str, int, int, int]], chance: random.Random
) -> None:
    shuffled = facts + [fact for fact in facts if chance.random() < 0.5]
    chance.shuffle(shuffled)
    assert total_of(shuffled) == total_of(facts)


@given(AMOUNTS, AMOUNTS, st.booleans(), st.data())
def test_refunds_leave_no_more_than_before_and_nothing_of_what_is_refunded_whole(
    value: int, whole: int, is_each: bool, data: st.DataObject
) -> None:
    first, second = sorted((data.draw(st.integers(0, whole)), data.draw(st.integers(0, whole))))
    left = [kept(value, is_each, Refunded(refunded, whole)) for refunded in (first, second, whole)]
    assert value >= left[0] >= left[1] >= left[2] == 0
    if second < whole:
        assert left[1] > 0, "gone only when its purchase is"
    assert kept(value, is_each, None) == value


TEAMS = st.lists(
    st.builds(Standing, st.uuids().map(str), st.integers(1, 6), st.integers(0, 50)),
    max_size=8,
    unique_by=lambda t: t.team,
)


@given(TEAMS, st.sampled_from([together.TEAM_SCORE_SUM, together.TEAM_SCORE_MEAN]), st.integers(0, 4))
def test_a_team_s_rank_is_one_more_than_the_number_of_better_teams(
    teams: list[Standing], score: int, size_min: int
) -> None:
    def points(team: Standing) -> Fraction:
        return Fraction(team.total, team.size if score == together.TEAM_SCORE_MEAN else 1)

    large = [team for team in teams if team.size >= size_min]
    found = ranked(teams, score, size_min)
    assert {replace(team, rank=0) for team in found} == set(large)
    for team in found:
        assert team.rank == 1 + sum(points(other) > points(team) for other in large)


def test_a_rank_wins_the_prize_of_its_range() -> None:
    prizes = [together.TeamPrize(from_rank=1, to_rank=1), together.TeamPrize(from_rank=3, to_rank=5)]
    assert [prize_of(prizes, rank) for rank in (1, 2, 3, 5, 6)] == [prizes[0], None, prizes[1], prizes[1], None]


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_teams_of_different_values_differ(one: str, other: str) -> None:
    assert (team_of_value(one) == team_of_value(other)) == (one == other)


# -- badges --------------------------------------------------------------------

GRADES = [Badge(id=f"g{grade}", family="metal", grade=grade) for grade in (1, 2, 3)] + [Badge(id="alone")]


@given(st.dictionaries(st.sampled_from([badge.id for badge in GRADES]), st.integers(0, 3)), st.booleans())
def test_of_grades_that_replace_one_another_the_highest_that_is_held_stands(
    counts: Mapping[str, int], adds: bool
) -> None:
    policy = families.BADGE_GRADE_POLICY_ADDS if adds else families.BADGE_GRADE_POLICY_REPLACES
    book = badge_rules.book_of(GRADES, [families.BadgeFamily(id="metal", policy=policy)])
    held = {badge for badge, count in counts.items() if count}
    stands = badge_rules.standing(book, counts)
    if adds:
        assert stands == held
    else:
        metals = sorted(held - {"alone"})
        assert stands == set(metals[-1:]) | (held & {"alone"})


# -- levels --------------------------------------------------------------------


@given(st.lists(st.integers(0, 100), max_size=20), st.randoms(use_true_random=False))
def test_levels_are_reached_once_whatever_the_order_of_the_balances(balances: list[int], chance: random.Random) -> None:
    levels = [Level(id=f"l{at}", threshold=at) for at in (10, 20, 50, 90)]

    def climbed(heard: list[int]) -> list[str]:
        state, reached = Experience("ann"), []
        for balance in heard:
            hear(state, balance)
            reached += [level.id for _, level in newly_reached(levels, state.peak, reached)]
        assert place_of(levels, state.peak) == len(reached)
        return reached

    shuffled = balances + balances[:3]
    chance.shuffle(shuffled)
    assert climbed(balances) == climbed(shuffled)
    assert len(set(climbed(balances))) == len(climbed(balances))


# -- quizzes -------------------------------------------------------------------

CHOICES = ["a", "b", "c", "d"]


@st.composite
def asked_quizzes(draw: st.DrawFn) -> quizzes.Quiz:
    found = quizzes.Quiz(id="q", shuffle_questions=True, shuffle_choices=True)
    found.passing_percent = draw(st.integers(0, 100))
    for number in range(draw(st.integers(1, 6))):
        many = draw(st.booleans())
        right = draw(st.sets(st.sampled_from(CHOICES), min_size=1, max_size=4 if many else 1))
        question = found.questions.add(
            id=f"q{number}",
            kind=quizzes.QUESTION_KIND_MULTIPLE if many else quizzes.QUESTION_KIND_SINGLE,
            points=draw(st.integers(0, 5)),
        )
        for choice in CHOICES:
            question.choices.add(id=choice, right=choice in right)
    return found


@given(asked_quizzes(), st.data())
def test_points_are_those_of_the_right_answers(quiz: quizzes.Quiz, data: st.DataObject) -> None:
    right = {
        question.id: Given(tuple(choice.id for choice in question.choices if choice.right))
        for question in quiz.questions
    }
    assert quiz_rules.score_of(quiz, right) == quiz_rules.score_max(quiz)
    assert quiz_rules.passes(quiz, quiz_rules.score_max(quiz))
    spoilt = data.draw(st.sampled_from(list(quiz.questions)))
    wrong = Given(tuple(sorted(data.draw(st.sets(st.sampled_from(CHOICES))))))
    if set(wrong.choices) != set(right[spoilt.id].choices):
        score = quiz_rules.score_of(quiz, right | {spoilt.id: wrong})
        assert score == quiz_rules.score_max(quiz) - quiz_rules.worth(quiz, spoilt)
        assert quiz_rules.passes(quiz, score) == (
            Fraction(score, quiz_rules.score_max(quiz)) * 100 >= (quiz.passing_percent or 100)
        )


@given(asked_quizzes(), st.text("abcdef0123456789", min_size=4, max_size=24))
def test_an_order_loses_nothing_and_stays(quiz: quizzes.Quiz, attempt: str) -> None:
    asked = quiz_rules.questions_of(quiz, attempt)
    assert sorted(question.id for question in asked) == sorted(question.id for question in quiz.questions)
    assert asked == quiz_rules.questions_of(quiz, attempt)
    for question in asked:
        choices = [choice.id for choice in quiz_rules.choices_of(quiz, question, attempt)]
        assert sorted(choices) == CHOICES
