"""Finds whatever in a brand's badges, levels, quizzes, challenges and teams does not add up.

Each check is a query whose rows are the sentences.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg

from laurels.missions.v1.events_pb2 import BadgeEarned
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.missions.v1.quizzes_events_pb2 import QuizFinished, SurveyAnswered
from laurels.missions.v1.together_events_pb2 import ChallengeRewarded
from laurels.programme.v1.programme_pb2 import Programme
from services.missions.quiz_rules import is_survey

EVENTS_KEPT_DAYS = 1
"""Events are kept for at least this long, whatever the retention is set to."""

_TALLIES = """
    SELECT tally, sum(value)::bigint AS value FROM tallies WHERE brand = current_setting('laurels.brand')
    GROUP BY tally"""
# What each tally should be, by what it counts.
_COUNTED = """
    SELECT 'badge:' || badge AS tally, count(*)::bigint AS value FROM badges
    WHERE brand = current_setting('laurels.brand') AND stands GROUP BY badge
    UNION ALL
    SELECT 'members', count(*) FROM mission_members
    WHERE brand = current_setting('laurels.brand') AND enrolled_at IS NOT NULL
    UNION ALL
    SELECT 'quiz:' || quiz, count(*) FROM quiz_attempts
    WHERE brand = current_setting('laurels.brand') AND state = 2 GROUP BY quiz
    UNION ALL
    SELECT 'answers:' || quiz || ':' || question, count(*) FROM quiz_answers JOIN quiz_attempts USING (brand, attempt)
    WHERE brand = current_setting('laurels.brand') AND state = 2 AND (choices <> '{}' OR open_text <> '')
    GROUP BY quiz, question
    UNION ALL
    SELECT 'choice:' || quiz || ':' || question || ':' || choice, count(*)
    FROM quiz_answers JOIN quiz_attempts USING (brand, attempt) CROSS JOIN LATERAL unnest(choices) AS choice
    WHERE brand = current_setting('laurels.brand') AND state = 2 GROUP BY quiz, question, choice
    UNION ALL
    SELECT 'total:' || challenge, sum(counted)::bigint FROM contributions
    WHERE brand = current_setting('laurels.brand') GROUP BY challenge
    UNION ALL
    SELECT 'team:' || challenge || ':' || team, sum(counted)::bigint FROM contributions
    WHERE brand = current_setting('laurels.brand') AND team <> '' GROUP BY challenge, team
    UNION ALL
    SELECT 'size:' || challenge || ':' || team, count(*) FROM team_members
    WHERE brand = current_setting('laurels.brand') AND team <> '' GROUP BY challenge, team"""
_SENTENCES = (
    """
    SELECT format('Member %s has badge %s %s times by its row and %s times by its awards.',
        coalesce(held.member, given.member), coalesce(held.badge, given.badge), coalesce(held.count, 0),
        coalesce(given.count, 0)) AS sentence
    FROM (SELECT * FROM badges WHERE brand = current_setting('laurels.brand')) AS held
    FULL JOIN (
        SELECT member, badge, count(*) FILTER (WHERE revoked_at IS NULL) AS count FROM badge_awards
        WHERE brand = current_setting('laurels.brand') GROUP BY member, badge
    ) AS given USING (member, badge)
    WHERE coalesce(held.count, 0) <> coalesce(given.count, 0) ORDER BY 1""",
    """
    SELECT format('Level %s of member %s was reached with %s experience, which the member never had.',
        level, member, levels_reached.experience) AS sentence
    FROM levels_reached LEFT JOIN experiences USING (brand, member)
    WHERE brand = current_setting('laurels.brand') AND levels_reached.experience > coalesce(peak, 0) ORDER BY 1""",
    """
    SELECT format('Attempt %s of member %s counts %s answers and has %s.', attempt, member, answered, given) AS sentence
    FROM quiz_attempts CROSS JOIN LATERAL (
        SELECT count(*) AS given FROM quiz_answers
        WHERE quiz_answers.brand = quiz_attempts.brand AND quiz_answers.attempt = quiz_attempts.attempt
    ) AS of_attempt
    WHERE brand = current_setting('laurels.brand') AND answered <> given ORDER BY 1""",
    """
    SELECT format('Member %s has begun quiz %s %s times by the record and %s times by the attempts.',
        coalesce(kept.member, begun.member), coalesce(kept.quiz, begun.quiz), coalesce(kept.attempts, 0),
        coalesce(begun.attempts, 0)) AS sentence
    FROM (SELECT * FROM quiz_records WHERE brand = current_setting('laurels.brand')) AS kept
    FULL JOIN (
        SELECT member, quiz, count(*) AS attempts FROM quiz_attempts
        WHERE brand = current_setting('laurels.brand') GROUP BY member, quiz
    ) AS begun USING (member, quiz)
    WHERE coalesce(kept.attempts, 0) <> coalesce(begun.attempts, 0) ORDER BY 1""",
    """
    SELECT format('Member %s has the open attempt %s of quiz %s by the record, and %s by the attempts.',
        kept.member, kept.open_attempt, kept.quiz, coalesce(string_agg(attempt, ', '), 'none')) AS sentence
    FROM quiz_records AS kept LEFT JOIN quiz_attempts AS open
        ON open.brand = kept.brand AND open.member = kept.member AND open.quiz = kept.quiz AND open.state = 1
    WHERE kept.brand = current_setting('laurels.brand')
    GROUP BY kept.member, kept.quiz, kept.open_attempt
    HAVING coalesce(string_agg(attempt, ', '), '') <> kept.open_attempt ORDER BY 1""",
    """
    SELECT format('Activity %s of member %s counts %s of %s in challenge %s, and refunds leave %s.',
        activity, member, counted, value, challenge, kept) AS sentence
    FROM (
        SELECT contributions.*, CASE
            WHEN refunded IS NULL OR refunded <= 0 OR total <= 0 THEN value
            WHEN refunded >= total THEN 0
            WHEN is_each THEN value
            ELSE (value - floor(value::numeric * refunded / total))::bigint END AS kept
        FROM contributions LEFT JOIN refunded_activities USING (brand, member, activity)
        WHERE brand = current_setting('laurels.brand')
    ) AS found
    -- What is refunded after a result became final does not change it.
    WHERE counted <> kept AND NOT EXISTS (
        SELECT FROM challenge_states AS state
        WHERE state.brand = found.brand AND state.challenge = found.challenge AND closed_at IS NOT NULL
    ) ORDER BY 1""",
    """
    SELECT format('Milestone %s of challenge %s was rewarded to member %s and was never reached.',
        substr(reward, 11), challenge, member) AS sentence
    FROM challenge_rewards WHERE brand = current_setting('laurels.brand') AND starts_with(reward, 'milestone:')
        AND NOT EXISTS (
            SELECT FROM milestones_reached AS reached
            WHERE reached.brand = challenge_rewards.brand AND reached.challenge = challenge_rewards.challenge
                AND reached.milestone = substr(reward, 11)
        ) ORDER BY 1""",
    """
    SELECT format('Reward %s of challenge %s went to member %s for %s, and its least is %s.',
        reward, challenge_rewards.challenge, member, contributed, contribution_min) AS sentence
    FROM challenge_rewards JOIN payouts ON payouts.brand = challenge_rewards.brand
        AND payouts.challenge = challenge_rewards.challenge AND payouts.payout = challenge_rewards.reward
    WHERE challenge_rewards.brand = current_setting('laurels.brand') AND contributed < contribution_min ORDER BY 1""",
    """
    SELECT format('Team %s of challenge %s counts %s members and has %s.', team, challenge, size, places) AS sentence
    FROM teams CROSS JOIN LATERAL (
        SELECT coalesce(sum(value), 0)::bigint AS places FROM tallies
        WHERE tallies.brand = teams.brand AND tally = 'size:' || challenge || ':' || team
    ) AS counted
    WHERE brand = current_setting('laurels.brand') AND code IS NOT NULL AND size <> places ORDER BY 1""",
)
_TOLD = """
    SELECT id, payload FROM outbox
    WHERE brand = current_setting('laurels.brand') AND type = $1 AND member NOT LIKE '!%'
        AND member NOT IN (SELECT member FROM erasing WHERE brand = current_setting('laurels.brand'))
    ORDER BY id"""
_VERSIONS = "SELECT version, document FROM configurations WHERE brand = current_setting('laurels.brand')"
_TIMED_OUT = """
    SELECT member, attempt, quiz, programme_version FROM quiz_attempts
    WHERE brand = current_setting('laurels.brand') AND state = 3"""
# What is to be told once, by what tells it.
_FACTS: Mapping[type[Any], str] = {
    LevelReached: """
        SELECT member, level, recorded_at > now() - make_interval(days => $1) AS is_kept FROM levels_reached
        WHERE brand = current_setting('laurels.brand')""",
    QuizFinished: """
        SELECT member, attempt, finished_at > now() - make_interval(days => $1) AS is_kept FROM quiz_attempts
        WHERE brand = current_setting('laurels.brand') AND state > 1""",
    ChallengeRewarded: """
        SELECT member, challenge || ' ' || reward, rewarded_at > now() - make_interval(days => $1) AS is_kept
        FROM challenge_rewards WHERE brand = current_setting('laurels.brand')""",
    BadgeEarned: """
        SELECT member, key, recorded_at > now() - make_interval(days => $1) AS is_kept FROM badge_awards
        WHERE brand = current_setting('laurels.brand') AND told""",
}
_NAMES: Mapping[type[Any], str] = {
    LevelReached: "reached level",
    QuizFinished: "ended attempt",
    ChallengeRewarded: "was rewarded for challenge",
    BadgeEarned: "earned a badge by",
}


async def violations(connection: asyncpg.Connection) -> list[list[str]]:
    """What does not hold in the brand of the transaction, as sentences, kind by kind."""
    return [
        await _tallies(connection),
        *[[row["sentence"] for row in await connection.fetch(query)] for query in _SENTENCES],
        *[await _told_once(connection, kind) for kind in _FACTS],
    ]


async def _tallies(connection: asyncpg.Connection) -> list[str]:
    """Each tally is what it counts; what erased members contributed is counted without them."""
    kept = {row["tally"]: row["value"] for row in await connection.fetch(_TALLIES)}
    counted = {row["tally"]: row["value"] for row in await connection.fetch(_COUNTED)}
    found = []
    for tally in sorted(kept.keys() | counted.keys()):
        if tally.startswith("erased-"):
            continue
        due = counted.get(tally, 0) + kept.get(f"erased-{tally}", 0)
        if kept.get(tally, 0) != due:
            found.append(f"The tally {tally} stands at {kept.get(tally, 0)}, and what it counts comes to {due}.")
    return found


async def _told_once(connection: asyncpg.Connection, kind: type[Any]) -> list[str]:
    """Each fact is told by one event as long as events are kept, and each event tells a fact."""
    facts = {(row[0], row[1]): row["is_kept"] for row in await connection.fetch(_FACTS[kind], EVENTS_KEPT_DAYS)}
    events = [kind.FromString(row["payload"]) for row in await connection.fetch(_TOLD, kind.DESCRIPTOR.full_name)]
    if kind is QuizFinished:  # an attempt of a survey is told by another event, and only when it was answered
        surveys = await connection.fetch(_TOLD, SurveyAnswered.DESCRIPTOR.full_name)
        events += [SurveyAnswered.FromString(row["payload"]) for row in surveys]
        facts |= dict.fromkeys(await _unanswered_surveys(connection) & facts.keys(), False)
    told = Counter((event.member, _fact(event)) for event in events)
    # A badge that was taken back and is earned again is told again.
    once = kind is not BadgeEarned
    found = [
        f"That member {member} {_NAMES[kind]} {what} is told by {times} events, and it is so "
        f"{int((member, what) in facts)} times."
        for (member, what), times in sorted(told.items())
        if (once and times > 1) or (member, what) not in facts
    ]
    return found + [
        f"That member {fact[0]} {_NAMES[kind]} {fact[1]} is told by no event."
        for fact, is_kept in sorted(facts.items())
        if is_kept and fact not in told
    ]


def _fact(event: Any) -> str:
    """What tells an event's fact from the others of its member."""
    match event:
        case LevelReached():
            return event.level
        case ChallengeRewarded():
            return f"{event.challenge} {event.reward}"
        case BadgeEarned():
            return event.key
    attempt: str = event.attempt
    return attempt


async def _unanswered_surveys(connection: asyncpg.Connection) -> set[tuple[str, str]]:
    """Attempts of surveys whose time was over, which nobody is told of."""
    surveys = {
        (row["version"], quiz.id)
        for row in await connection.fetch(_VERSIONS)
        for quiz in Programme.FromString(row["document"]).missions.quizzes
        if is_survey(quiz)
    }
    return {
        (row["member"], row["attempt"])
        for row in await connection.fetch(_TIMED_OUT)
        if (row["programme_version"], row["quiz"]) in surveys
    }
