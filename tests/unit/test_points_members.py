"""The rules about members' particulars: ages, kinds, aliases, fingerprints."""

import secrets
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from chassis.credentials import IDENTIFIER
from chassis.erasure import Erasing, alias_of, is_alias
from chassis.events import partition
from laurels.points.v1 import members_pb2
from laurels.points.v1 import programme_pb2 as pb
from services.fingerprints import Fingerprints
from services.points.attributes import PREFIX, age_on, compile_members
from services.points.erasing import Eraser
from services.points.guardians import awaits_guardian
from services.points.store.members import Particulars
from services.programme import Problems

KINDS = {
    "text": pb.MEMBER_ATTRIBUTE_KIND_TEXT,
    "integer": pb.MEMBER_ATTRIBUTE_KIND_INTEGER,
    "number": pb.MEMBER_ATTRIBUTE_KIND_NUMBER,
    "flag": pb.MEMBER_ATTRIBUTE_KIND_FLAG,
    "date": pb.MEMBER_ATTRIBUTE_KIND_DATE,
}
members = st.from_regex(IDENTIFIER, fullmatch=True)
days = st.dates(date(1950, 1, 1), date(2090, 12, 31))
values = {
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
    "integer": st.integers(-(2**53) + 1, 2**53 - 1),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "date": days.map(str),
}


def schema(**guardianship: Any) -> Any:
    declared = [pb.MemberAttribute(name=name, kind=kind, personal=name == "date") for name, kind in KINDS.items()]
    points = pb.PointsProgramme(member_attributes=declared)
    points.member_attributes.add(name="zone", kind=KINDS["text"])
    if guardianship:
        points.guardianship.MergeFrom(pb.Guardianship(**guardianship))
    problems = Problems()
    found = compile_members(points, problems)
    assert not problems.found
    return found


def struct(values: dict[str, Any]) -> Struct:
    found = Struct()
    found.update(values)
    return found


@given(st.fixed_dictionaries({}, optional=values))
def test_attributes_of_their_kinds_come_back_as_they_were(stated: dict[str, Any]) -> None:
    declared = schema()
    assert list(declared.violations(struct(stated))) == []
    assert declared.plain(struct(stated)) == stated


@given(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS)), st.data())
def test_a_value_of_another_kind_is_refused(name: str, other: str, data: st.DataObject) -> None:
    value = data.draw(values[other])
    fits = (
        name == other
        or (name, other) in {("text", "date"), ("number", "integer")}
        or (name == "integer" and other == "number" and value.is_integer() and abs(value) < 2**53)
    )
    found = [violation.field for violation in schema().violations(struct({name: value}))]
    assert found == ([] if fits else [f"attributes.{name}"])


def test_conditions_see_a_zero_for_what_is_missing_and_nothing_personal() -> None:
    declared = schema()
    assert declared.values({"text": "x"}) == {
        f"{PREFIX}text": "x",
        f"{PREFIX}integer": 0,
        f"{PREFIX}number": 0.0,
        f"{PREFIX}flag": False,
        f"{PREFIX}zone": "",
    }
    assert declared.variables.keys() == declared.values({}).keys()


@given(days, days)
def test_one_is_a_year_older_on_each_birthday_and_on_no_other_day(born: date, day: date) -> None:
    grown = age_on(born, day) - age_on(born, day - timedelta(days=1))
    leaps = (born.month, born.day) == (2, 29) and (day.month, day.day) == (3, 1)
    not_a_leap_year = (date(day.year, 3, 1) - timedelta(days=1)).day == 28
    assert grown == ((day.month, day.day) == (born.month, born.day) or (leaps and not_a_leap_year))


def test_a_member_comes_of_age_at_midnight_where_they_live() -> None:
    declared = schema(age=16, birthday_attribute="date", time_zone_attribute="zone")
    utc = ZoneInfo("UTC")
    moment = datetime(2026, 5, 1, 2, tzinfo=UTC)  # still the 30th in New York
    for zone, minor in (("Europe/Berlin", False), ("America/New_York", True), ("", False), ("Nowhere/No", False)):
        known = Particulars("ann", {"date": "2010-05-01", "zone": zone})
        assert awaits_guardian(declared, known, moment, utc) == minor, zone
    consented = Particulars("ann", {"date": "2015-01-01"}, {"5": {"granted": True}})
    assert not awaits_guardian(declared, consented, moment, utc)
    assert not awaits_guardian(declared, Particulars("ann"), moment, utc)
    assert not awaits_guardian(schema(), Particulars("ann", {"date": "2020-01-01"}), moment, utc)


@given(members)
def test_an_alias_is_no_id_and_in_the_members_partition(member: str) -> None:
    alias = alias_of(member, lambda: secrets.token_hex(16))
    assert is_alias(alias)
    assert not is_alias(member)
    assert not IDENTIFIER.fullmatch(alias)
    assert member not in alias[1:] or len(member) < 8
    assert partition(alias) == partition(member)


@given(members, members)
def test_fingerprints_differ_by_member_brand_and_key(one: str, other: str) -> None:
    prints = Fingerprints("k" * 32)
    assert (prints.of("a", one) == prints.of("a", other)) == (one == other)
    assert prints.of("a", one) != prints.of("b", one)
    assert prints.of("a", one) != Fingerprints("l" * 32).of("a", one)


async def test_without_credentials_to_purge_with_the_erasure_says_so() -> None:
    settings: Any = SimpleNamespace(nats_eraser_user="")
    nothing: Any = None
    streams = await Eraser(nothing, nothing, settings).purge(Erasing("b", "e", "ann", "!a"), lambda: None)
    assert streams == members_pb2.STREAMS_PURGED_NOT_CONFIGURED


@pytest.mark.parametrize("bad", ["2026-02-30", "2026-2-3", "20260203", "2026-02-03T00:00:00", ""])
def test_what_is_no_date_is_refused(bad: str) -> None:
    assert [v.field for v in schema().violations(struct({"date": bad}))] == ["attributes.date"]
