from laurels.missions.v1 import programme_badges_pb2 as _programme_badges_pb2
from laurels.missions.v1 import programme_campaigns_pb2 as _programme_campaigns_pb2
from laurels.missions.v1 import programme_goals_pb2 as _programme_goals_pb2
from laurels.missions.v1 import programme_levels_pb2 as _programme_levels_pb2
from laurels.missions.v1 import programme_quizzes_pb2 as _programme_quizzes_pb2
from laurels.missions.v1 import programme_together_pb2 as _programme_together_pb2
from laurels.value.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MissionsProgramme(_message.Message):
    __slots__ = ("missions", "badges", "time_zone_attribute", "lateness_days", "campaigns", "campaign_policy", "quizzes", "challenges", "team_challenges", "levels", "badge_families")
    MISSIONS_FIELD_NUMBER: _ClassVar[int]
    BADGES_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    LATENESS_DAYS_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGNS_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_POLICY_FIELD_NUMBER: _ClassVar[int]
    QUIZZES_FIELD_NUMBER: _ClassVar[int]
    CHALLENGES_FIELD_NUMBER: _ClassVar[int]
    TEAM_CHALLENGES_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    BADGE_FAMILIES_FIELD_NUMBER: _ClassVar[int]
    missions: _containers.RepeatedCompositeFieldContainer[Mission]
    badges: _containers.RepeatedCompositeFieldContainer[Badge]
    time_zone_attribute: str
    lateness_days: int
    campaigns: _containers.RepeatedCompositeFieldContainer[_programme_campaigns_pb2.Campaign]
    campaign_policy: _programme_campaigns_pb2.CampaignPolicy
    quizzes: _containers.RepeatedCompositeFieldContainer[_programme_quizzes_pb2.Quiz]
    challenges: _containers.RepeatedCompositeFieldContainer[_programme_together_pb2.CommunityChallenge]
    team_challenges: _containers.RepeatedCompositeFieldContainer[_programme_together_pb2.TeamChallenge]
    levels: _programme_levels_pb2.LevelLadder
    badge_families: _containers.RepeatedCompositeFieldContainer[_programme_badges_pb2.BadgeFamily]
    def __init__(self, missions: _Optional[_Iterable[_Union[Mission, _Mapping]]] = ..., badges: _Optional[_Iterable[_Union[Badge, _Mapping]]] = ..., time_zone_attribute: _Optional[str] = ..., lateness_days: _Optional[int] = ..., campaigns: _Optional[_Iterable[_Union[_programme_campaigns_pb2.Campaign, _Mapping]]] = ..., campaign_policy: _Optional[_Union[_programme_campaigns_pb2.CampaignPolicy, _Mapping]] = ..., quizzes: _Optional[_Iterable[_Union[_programme_quizzes_pb2.Quiz, _Mapping]]] = ..., challenges: _Optional[_Iterable[_Union[_programme_together_pb2.CommunityChallenge, _Mapping]]] = ..., team_challenges: _Optional[_Iterable[_Union[_programme_together_pb2.TeamChallenge, _Mapping]]] = ..., levels: _Optional[_Union[_programme_levels_pb2.LevelLadder, _Mapping]] = ..., badge_families: _Optional[_Iterable[_Union[_programme_badges_pb2.BadgeFamily, _Mapping]]] = ...) -> None: ...

class Mission(_message.Message):
    __slots__ = ("id", "name", "activity_type", "condition", "count", "sum", "reward", "badge", "goals", "goals_needed", "window", "start", "claiming", "limits", "eligible", "badges_needed", "rewards", "refunded_reward")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    REWARD_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    GOALS_FIELD_NUMBER: _ClassVar[int]
    GOALS_NEEDED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CLAIMING_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    BADGES_NEEDED_FIELD_NUMBER: _ClassVar[int]
    REWARDS_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_REWARD_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    activity_type: str
    condition: str
    count: CountGoal
    sum: SumGoal
    reward: MissionReward
    badge: str
    goals: _containers.RepeatedCompositeFieldContainer[_programme_goals_pb2.Goal]
    goals_needed: _programme_goals_pb2.GoalsNeeded
    window: _programme_goals_pb2.Window
    start: _programme_goals_pb2.Start
    claiming: _programme_goals_pb2.Claiming
    limits: _programme_goals_pb2.MissionLimits
    eligible: str
    badges_needed: _containers.RepeatedScalarFieldContainer[str]
    rewards: _containers.RepeatedCompositeFieldContainer[_events_pb2.Grant]
    refunded_reward: _programme_goals_pb2.RefundedReward
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., activity_type: _Optional[str] = ..., condition: _Optional[str] = ..., count: _Optional[_Union[CountGoal, _Mapping]] = ..., sum: _Optional[_Union[SumGoal, _Mapping]] = ..., reward: _Optional[_Union[MissionReward, _Mapping]] = ..., badge: _Optional[str] = ..., goals: _Optional[_Iterable[_Union[_programme_goals_pb2.Goal, _Mapping]]] = ..., goals_needed: _Optional[_Union[_programme_goals_pb2.GoalsNeeded, str]] = ..., window: _Optional[_Union[_programme_goals_pb2.Window, _Mapping]] = ..., start: _Optional[_Union[_programme_goals_pb2.Start, _Mapping]] = ..., claiming: _Optional[_Union[_programme_goals_pb2.Claiming, _Mapping]] = ..., limits: _Optional[_Union[_programme_goals_pb2.MissionLimits, _Mapping]] = ..., eligible: _Optional[str] = ..., badges_needed: _Optional[_Iterable[str]] = ..., rewards: _Optional[_Iterable[_Union[_events_pb2.Grant, _Mapping]]] = ..., refunded_reward: _Optional[_Union[_programme_goals_pb2.RefundedReward, str]] = ...) -> None: ...

class CountGoal(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: int
    def __init__(self, target: _Optional[int] = ...) -> None: ...

class SumGoal(_message.Message):
    __slots__ = ("of", "target")
    OF_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    of: str
    target: int
    def __init__(self, of: _Optional[str] = ..., target: _Optional[int] = ...) -> None: ...

class MissionReward(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: int
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class Badge(_message.Message):
    __slots__ = ("id", "name", "family", "grade", "secret", "repeatable", "revocable", "awarded")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    REPEATABLE_FIELD_NUMBER: _ClassVar[int]
    REVOCABLE_FIELD_NUMBER: _ClassVar[int]
    AWARDED_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    family: str
    grade: int
    secret: bool
    repeatable: bool
    revocable: bool
    awarded: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., family: _Optional[str] = ..., grade: _Optional[int] = ..., secret: _Optional[bool] = ..., repeatable: _Optional[bool] = ..., revocable: _Optional[bool] = ..., awarded: _Optional[bool] = ...) -> None: ...
