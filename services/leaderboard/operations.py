"""All that the leaderboard service can be asked to change."""

from chassis.book import registry
from laurels.activity.v1.events_pb2 import ActivityRecorded
from laurels.missions.v1.events_pb2 import MissionCompleted
from laurels.missions.v1.levels_events_pb2 import LevelReached
from laurels.points.v1.events_pb2 import PointsCredited
from services.book import Adopt, Forget, Together
from services.leaderboard import (
    boards,
    cards,
    closing,
    group_closing,
    league_closing,
    leagues,
    live,
    members,
    parked_cards,
    reached,
    repairs,
)

OPERATIONS = registry(
    (
        Adopt(),
        Forget(),
        members.Know(),
        Together(
            ActivityRecorded,
            members.SeeActivity(),
            boards.MoveByActivity(),
            leagues.JoinByEvent(boards.MoveByActivity()),
            cards.IssueByActivity(),
        ),
        Together(
            PointsCredited,
            boards.MoveByCredit(),
            leagues.JoinByEvent(boards.MoveByCredit()),
            cards.ShowGiven(),
        ),
        Together(
            MissionCompleted,
            boards.MoveByMission(),
            leagues.JoinByEvent(boards.MoveByMission()),
            cards.IssueByMission(),
        ),
        Together(LevelReached, boards.MoveByLevel(), leagues.JoinByEvent(boards.MoveByLevel())),
        leagues.JoinBySubmission(boards.Submit()),
        closing.Close(),
        repairs.Move(),
        repairs.RebuildScores(),
        live.TellOfChange(),
        cards.RevealCard(),
        cards.IssueByKey(),
        cards.IssueByGrant(),
        cards.ShowParked(),
        cards.ShowRedeemed(),
        cards.ClosePools(),
        reached.TellOfRanks(),
        group_closing.CloseGroups(),
        parked_cards.DecideParkedCards(),
        leagues.SayPart(),
        league_closing.CloseLeagues(),
    )
)

ADOPTING = (cards.publish,)
"""What topics do with a new version, in this order, before any event is decided under it."""
