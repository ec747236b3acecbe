"""Quizzes and surveys on the real servers: answered once, in time, and without what is right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import FailedPrecondition, IdempotencyConflict, InvalidArgument, NotFound
from cli.embedded import Servers
from laurels.missions.v1 import missions_pb2
from laurels.missions.v1 import programme_quizzes_pb2 as stated
from laurels.missions.v1 import quizzes_pb2 as pb
from laurels.missions.v1.quizzes_events_pb2 import QuizFinished, SurveyAnswered
from laurels.programme.v1.programme_pb2 import Programme
from services.missions.export import SECTIONS
from tests.integration.missions_support import eventually, fetch, programme, purchase
from tests.integration.social_support import Missions, missions_on, with_experience

RIGHT = {"capital": ["k-2"], "primes": ["p-1", "p-3"]}
WRONG = {"capital": ["k-1"], "primes": ["p-1"]}


@pytest.fixture(scope="module")
async def missions(
    servers: Servers, settings_of: Callable[..., Any], token: Callable[..., str]
) -> AsyncIterator[Missions]:
    async with missions_on(servers, settings_of, token) as opened:
        yield opened


def quiz(name: str = "facts", **more: Any) -> stated.Quiz:
    """A quiz of two questions, of one point and of two."""
    return stated.Quiz(
        id=name,
        name=name.title(),
        questions=[
            stated.Question(
                id="capital",
                text="Which is the capital?",
                choices=[stated.Choice(id=f"k-{n}", text=f"City {n}", right=n == 2) for n in (1, 2, 3)],
            ),
            stated.Question(
                id="primes",
                text="Which are primes?",
                kind=stated.QUESTION_KIND_MULTIPLE,
                points=2,
                choices=[stated.Choice(id=f"p-{n}", text=f"Number {n}", right=n in (1, 3)) for n in (1, 2, 3)],
            ),
        ],
        **more,
    )


def survey(name: str = "taste", **more: Any) -> stated.Quiz:
    """A survey of a choice and an open question that may be passed over."""
    return stated.Quiz(
        id=name,
        name=name.title(),
        kind=stated.QUIZ_KIND_SURVEY,
        questions=[
            stated.Question(
                id="colour",
                text="Which colour?",
                choices=[stated.Choice(id=colour, text=colour) for colour in ("red", "blue")],
            ),
            stated.Question(id="why", text="Why?", kind=stated.QUESTION_KIND_OPEN, optional=True),
        ],
        **more,
    )


def of_quizzes(*quizzes: stated.Quiz) -> Programme:
    applied = programme()
    applied.missions.quizzes.extend(quizzes)
    return applied


async def start(
    missions: Missions, brand: str, name: str = "facts", key: str = "1", member: str = "ann", **credential: Any
) -> pb.Attempt:
    request = pb.StartQuizRequest(member=member, quiz=name, idempotency_key=key)
    return (await missions.call("StartQuiz", request, brand, **credential)).attempt


async def answer(
    missions: Missions, brand: str, attempt: str, question: str, *choices: str, text: str = "", member: str = "ann"
) -> pb.AnswerQuestionResponse:
    request = pb.AnswerQuestionRequest(member=member, attempt=attempt, question=question, choices=choices, text=text)
    return await missions.call("AnswerQuestion", request, brand)


async def answer_all(missions: Missions, brand: str, attempt: str, answers: dict[str, list[str]]) -> Any:
    for question, choices in answers.items():
        last = await answer(missions, brand, attempt, question, *choices)
    return last


async def standing(missions: Missions, brand: str, member: str = "ann") -> pb.QuizStanding:
    (found,) = (await missions.call("ListQuizzes", pb.ListQuizzesRequest(member=member), brand)).quizzes
    return found


async def test_a_quiz_is_begun_answered_and_passed(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz()))
    attempt = await start(missions, brand, subject="ann", scope="member")
    assert [question.question for question in attempt.questions] == ["capital", "primes"]
    first = await answer(missions, brand, attempt.attempt, "capital", "k-2")
    assert (first.answer.right, first.questions_left, first.score, first.passed) == (True, 1, 1, False)
    last = await answer(missions, brand, attempt.attempt, "primes", "p-3", "p-1")
    assert (last.state, last.score, last.passed) == (pb.ATTEMPT_STATE_FINISHED, 3, True)
    (told,) = await missions.told(brand, QuizFinished)
    assert (told.quiz, told.score, told.score_max, told.passed, told.timed_out) == ("facts", 3, 3, True, False)
    found = await standing(missions, brand)
    assert (found.attempts, found.best_score, found.score_max, found.passed, found.open_attempt) == (1, 3, 3, True, "")
    with pytest.raises(FailedPrecondition) as refused:
        await start(missions, brand, key="2")
    assert refused.value.reason == "quiz_finished"
    assert await missions.violations(brand) == []


async def test_an_answer_says_whether_it_was_right_and_nothing_says_what_is(missions: Missions, brand: str) -> None:
    """The programme's message has a field of that name; nothing that a member is answered may say more by it."""
    await missions.started(brand, of_quizzes(quiz(attempts_max=2)))
    attempt = await start(missions, brand)
    assert not any(question.HasField("answer") for question in attempt.questions)
    names = {field.name for field in pb.AskedChoice.DESCRIPTOR.fields} | {
        field.name for field in pb.AskedQuestion.DESCRIPTOR.fields
    }
    assert not names & {"right", "is_right", "solution"}
    said = await answer(missions, brand, attempt.attempt, "capital", "k-1")
    assert said.answer.right is False
    assert b"k-2" not in said.SerializeToString()
    seen = await missions.call("GetAttempt", pb.GetAttemptRequest(member="ann", attempt=attempt.attempt), brand)
    (capital, primes) = seen.attempt.questions
    assert (list(capital.answer.choices), capital.answer.right) == (["k-1"], False)
    assert not primes.HasField("answer")


async def test_a_passed_quiz_is_a_goal_of_a_mission_and_a_level_lets_take_part(missions: Missions, brand: str) -> None:
    applied = with_experience(of_quizzes(quiz(attempts_max=2)))
    applied.missions.levels.currency = "xp"
    applied.missions.levels.levels.add(id="l1", threshold=10)
    knowing = applied.missions.missions.add(id="knowing", name="Knowing")
    knowing.goals.add().quiz.quiz = "facts"
    high = applied.missions.missions.add(id="high", name="High", activity_type="purchase", eligible="member.level >= 1")
    high.count.target = 1
    await missions.started(brand, applied)
    await missions.heard(brand, purchase("ann", 0))
    await answer_all(missions, brand, (await start(missions, brand)).attempt, WRONG)
    request = missions_pb2.ListMissionsRequest(member="ann")
    listed = (await missions.call("ListMissions", request, brand)).missions
    assert [(each.mission, each.HasField("completed_at")) for each in listed] == [("knowing", False), ("high", False)]
    await answer_all(missions, brand, (await start(missions, brand, key="2")).attempt, RIGHT)
    climbed = purchase("ann", 1)
    climbed.earned.add(currency="xp", amount=20, balance=20)
    await missions.heard(brand, climbed)
    await missions.heard(brand, purchase("ann", 2))
    listed = (await missions.call("ListMissions", request, brand)).missions
    assert [(each.mission, each.HasField("completed_at")) for each in listed] == [("knowing", True), ("high", True)]
    assert await missions.violations(brand) == []


async def test_attempts_are_limited_and_the_best_one_counts(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz(attempts_max=2)))
    first = await start(missions, brand)
    await answer_all(missions, brand, first.attempt, {"capital": ["k-2"], "primes": ["p-1"]})
    second = await start(missions, brand, key="2")
    assert second.number == 2
    await answer_all(missions, brand, second.attempt, WRONG)
    with pytest.raises(FailedPrecondition) as refused:
        await start(missions, brand, key="3")
    assert refused.value.reason == "attempts_used_up"
    found = await standing(missions, brand)
    assert (found.attempts, found.best_score, found.passed) == (2, 1, False)
    assert await missions.violations(brand) == []


async def test_starts_from_many_callers_begin_one_attempt(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz(attempts_max=50)))
    same = await asyncio.gather(*(start(missions, brand, key="same") for _ in range(20)))
    others = await asyncio.gather(*(start(missions, brand, key=f"other-{n}") for n in range(20)))
    assert len({attempt.attempt for attempt in [*same, *others]}) == 1, "an open attempt is the one to go on with"
    assert (await standing(missions, brand)).attempts == 1
    assert await missions.violations(brand) == []


async def test_a_key_begins_one_quiz_only(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz("one"), quiz("two")))
    await start(missions, brand, "one", key="key")
    with pytest.raises(IdempotencyConflict):
        await start(missions, brand, "two", key="key")


async def test_the_same_answer_from_many_callers_counts_once_and_another_is_refused(
    missions: Missions, brand: str
) -> None:
    await missions.started(brand, of_quizzes(quiz()))
    attempt = (await start(missions, brand)).attempt
    said = await asyncio.gather(*(answer(missions, brand, attempt, "capital", "k-2") for _ in range(20)))
    assert {one.score for one in said} == {1}
    with pytest.raises(FailedPrecondition) as refused:
        await answer(missions, brand, attempt, "capital", "k-1")
    assert refused.value.reason == "already_answered"
    assert await missions.violations(brand) == []


@pytest.mark.parametrize(
    ("question", "choices", "text", "field"),
    [
        ("nothing", ["k-1"], "", "question"),
        ("capital", ["k-9"], "", "choices"),
        ("capital", ["k-1", "k-2"], "", "choices"),
        ("capital", [], "", "choices"),
        ("primes", ["p-1", "p-1"], "", "choices"),
        ("capital", ["k-1"], "because", "text"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(
    missions: Missions, brand: str, question: str, choices: list[str], text: str, field: str
) -> None:
    await missions.started(brand, of_quizzes(quiz()))
    attempt = (await start(missions, brand)).attempt
    with pytest.raises(InvalidArgument) as refused:
        await answer(missions, brand, attempt, question, *choices, text=text)
    assert {violation.field for violation in refused.value.violations} == {field}


async def test_an_attempt_ends_when_its_time_is_over(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz(time_limit_s=600, attempts_max=2, passing_percent=30)))
    attempt = (await start(missions, brand)).attempt
    await answer(missions, brand, attempt, "capital", "k-2")
    over = datetime.now(UTC) - timedelta(seconds=1)
    await fetch(missions.servers, "UPDATE quiz_attempts SET expires_at = $2 WHERE brand = $1", brand, over)

    async def ended() -> bool:
        return bool(await missions.told(brand, QuizFinished))

    await eventually(ended)
    (told,) = await missions.told(brand, QuizFinished)
    assert (told.timed_out, told.score, told.passed) == (True, 1, True), "what was answered by then counts"
    with pytest.raises(FailedPrecondition) as refused:
        await answer(missions, brand, attempt, "primes", "p-1")
    assert refused.value.reason == "attempt_finished"
    assert await missions.violations(brand) == []


async def test_a_quiz_has_its_time(missions: Missions, brand: str) -> None:
    now = datetime.now(UTC)
    await missions.started(
        brand,
        of_quizzes(quiz("early", begins_at=now + timedelta(hours=1)), quiz("late", ends_at=now - timedelta(hours=1))),
    )
    for name in ("early", "late"):
        with pytest.raises(FailedPrecondition) as refused:
            await start(missions, brand, name, key=name)
        assert refused.value.reason == "quiz_closed"
    with pytest.raises(NotFound) as unknown:
        await start(missions, brand, "nothing")
    assert unknown.value.reason == "unknown_quiz"


async def test_an_attempt_is_decided_under_the_version_it_was_begun_under(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz()))
    attempt = (await start(missions, brand)).attempt
    changed = quiz()
    changed.questions[0].choices[1].right, changed.questions[0].choices[0].right = False, True
    await missions.started(brand, of_quizzes(changed), version=2)
    assert (await answer_all(missions, brand, attempt, RIGHT)).score == 3


async def test_each_attempt_has_an_order_of_its_own_and_keeps_it(missions: Missions, brand: str) -> None:
    shuffled = quiz(shuffle_questions=True, shuffle_choices=True)
    shuffled.questions[0].choices.extend(stated.Choice(id=f"k-{n}", text=f"City {n}") for n in range(4, 12))
    await missions.started(brand, of_quizzes(shuffled))
    orders = set()
    for member in ("ann", "bob", "cem", "dan"):
        first, again = [await start(missions, brand, member=member) for _ in range(2)]
        assert first.questions == again.questions
        (capital,) = [question for question in first.questions if question.question == "capital"]
        orders.add(tuple(choice.choice for choice in capital.choices))
    assert len(orders) > 1
    assert len({frozenset(order) for order in orders}) == 1


async def test_a_survey_is_told_without_the_open_text_and_reported_by_choice(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(survey()))
    for member, colour, why in (("ann", "red", "my own words"), ("bob", "red", ""), ("cem", "blue", "")):
        attempt = (await start(missions, brand, "taste", member=member)).attempt
        said = await answer(missions, brand, attempt, "colour", colour, member=member)
        assert not said.answer.HasField("right")
        assert (await answer(missions, brand, attempt, "why", text=why, member=member)).passed
    unfinished = (await start(missions, brand, "taste", member="dan")).attempt
    await answer(missions, brand, unfinished, "colour", "blue", member="dan")
    told = await missions.told(brand, SurveyAnswered)
    assert [[list(answer.choices) for answer in event.answers] for event in told] == [
        [["red"], []],
        [["red"], []],
        [["blue"], []],
    ]
    assert all(b"own words" not in event.SerializeToString() for event in told)
    report = await missions.call("GetSurveyReport", pb.GetSurveyReportRequest(quiz="taste"), brand)
    counts = [(q.question, q.answers, [(c.choice, c.answers) for c in q.choices]) for q in report.questions]
    assert report.finished == 3
    assert counts == [("colour", 3, [("red", 2), ("blue", 1)]), ("why", 1, [])]
    assert await missions.violations(brand) == []
    rows = await fetch(missions.servers, SECTIONS["quiz_answers"], brand, "ann")
    assert "my own words" in {row["open_text"] for row in rows}, "it is in the member's export"


async def test_another_member_s_attempt_is_like_none(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz()))
    attempt = (await start(missions, brand)).attempt
    as_bob = {"subject": "bob", "scope": "member"}
    for member in ("bob", "ann"):
        with pytest.raises(NotFound):
            await missions.call("GetAttempt", pb.GetAttemptRequest(member=member, attempt=attempt), brand, **as_bob)
        request = pb.AnswerQuestionRequest(member=member, attempt=attempt, question="capital", choices=["k-1"])
        with pytest.raises(NotFound):
            await missions.call("AnswerQuestion", request, brand, **as_bob)
    with pytest.raises(NotFound):
        await missions.call("GetAttempt", pb.GetAttemptRequest(member="ann", attempt=attempt), f"{brand}-other")


async def test_bad_quizzes_are_reported_with_their_paths_and_without_what_is_right(
    missions: Missions, brand: str
) -> None:
    bad = quiz("bad", attempts_max=101, time_limit_s=-1, passing_percent=101)
    bad.questions[0].choices[1].right = False
    del bad.questions[1].choices[1:]
    bad.questions.add(id="capital", kind=stated.QUESTION_KIND_OPEN, text=" ")
    told = survey("told", passing_percent=50)
    told.questions[0].choices[0].right = True
    found = await missions.problems(brand, of_quizzes(bad, told, stated.Quiz(id="none")))
    assert found.keys() == {
        "missions.quizzes[0].attempts_max",
        "missions.quizzes[0].time_limit_s",
        "missions.quizzes[0].passing_percent",
        "missions.quizzes[0].questions[0].choices",
        "missions.quizzes[0].questions[1].choices",
        "missions.quizzes[0].questions[2].id",
        "missions.quizzes[0].questions[2].text",
        "missions.quizzes[1].passing_percent",
        "missions.quizzes[1].questions[0].choices",
        "missions.quizzes[2].questions",
    }
    assert not any("p-1" in detail or "k-2" in detail for detail in found.values())


async def test_verification_finds_damage_to_quizzes(missions: Missions, brand: str) -> None:
    await missions.started(brand, of_quizzes(quiz()))
    await answer_all(missions, brand, (await start(missions, brand)).attempt, RIGHT)
    assert await missions.violations(brand) == []
    for damage in (
        "UPDATE quiz_attempts SET answered = 1 WHERE brand = $1 RETURNING 1",
        "UPDATE quiz_records SET attempts = 7 WHERE brand = $1 RETURNING 1",
        "UPDATE quiz_records SET open_attempt = 'lost' WHERE brand = $1 RETURNING 1",
        "UPDATE tallies SET value = 9 WHERE brand = $1 AND tally = 'choice:facts:capital:k-2' RETURNING 1",
        "DELETE FROM outbox WHERE brand = $1 AND type LIKE '%QuizFinished' RETURNING 1",
    ):
        before = await missions.violations(brand)
        assert await fetch(missions.servers, damage, brand)
        assert len(await missions.violations(brand)) > len(before), damage
