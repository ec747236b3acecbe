"""A programme file says what it means, where it means it, and cannot harm its reader."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli import programme_file
from cli.programme_file import ProgrammeFileInvalid, load, plain_scalar

BASE = """\
name: Base
points:
  currencies:
    - id: points
      name: Points
  earning_rules:
    - id: dollar
      activity_type: purchase
      amount: attributes.amount / 100
      currency: points
    - id: first
      activity_type: purchase
      condition: member.is_first_activity
      amount: "100"
      currency: points
recommender:
  slots:
    - id: home
      rewards: [mug, shirt]
"""


def write(folder: Path, **files: str) -> Path:
    """Writes `name.yaml` for each keyword; the last one's path."""
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
    return path


def problem(folder: Path, **files: str) -> str:
    with pytest.raises(ProgrammeFileInvalid) as refused:
        load(write(folder, **files))
    return str(refused.value).replace(f"{folder}/", "")


def merged(folder: Path, over: str, base: str = BASE) -> dict[str, Any]:
    return load(write(folder, base=base, over="extends: base.yaml\n" + over)).programme


def test_a_file_alone_is_what_it_says(tmp_path: Path) -> None:
    programme = load(write(tmp_path, base=BASE)).programme
    assert programme["points"]["earning_rules"][1]["amount"] == "100"
    assert programme["recommender"] == {"slots": [{"id": "home", "rewards": ["mug", "shirt"]}]}


def test_an_item_of_a_known_id_is_overridden_field_by_field(tmp_path: Path) -> None:
    rules = merged(tmp_path, "points: {earning_rules: [{id: first, amount: '250'}]}")["points"]["earning_rules"]
    assert [rule["id"] for rule in rules] == ["dollar", "first"]
    assert rules[1]["amount"] == "250"
    assert rules[1]["condition"] == "member.is_first_activity"


def test_a_new_item_is_appended(tmp_path: Path) -> None:
    rules = merged(tmp_path, "points: {earning_rules: [{id: big, amount: '9'}]}")["points"]["earning_rules"]
    assert [rule["id"] for rule in rules] == ["dollar", "first", "big"]


def test_an_item_can_be_removed(tmp_path: Path) -> None:
    rules = merged(tmp_path, "points: {earning_rules: [{id: dollar, remove: true}]}")["points"]["earning_rules"]
    assert [rule["id"] for rule in rules] == ["first"]


def test_what_is_not_inherited_cannot_be_removed(tmp_path: Path) -> None:
    over = "extends: base.yaml\npoints:\n  earning_rules:\n    - id: dollars\n      remove: true\n"
    assert problem(tmp_path, base=BASE, over=over) == (
        "over.yaml:4:7: points.earning_rules: there is no inherited item of the id 'dollars' to remove"
    )
    assert "nothing is inherited here" in problem(tmp_path, alone="points: {rewards: [{id: a, remove: true}]}")


def test_a_list_of_plain_values_and_an_empty_list_replace(tmp_path: Path) -> None:
    over = "recommender: {slots: [{id: home, rewards: [cap]}]}\npoints: {earning_rules: []}"
    programme = merged(tmp_path, over)
    assert programme["recommender"]["slots"] == [{"id": "home", "rewards": ["cap"]}]
    assert programme["points"]["earning_rules"] == []


def test_null_restores_the_default(tmp_path: Path) -> None:
    programme = merged(tmp_path, "name: null\nrecommender: ~\npoints: {earning_rules: [{id: first, condition: }]}")
    assert "name" not in programme
    assert "recommender" not in programme
    assert "condition" not in programme["points"]["earning_rules"][1]


def test_types_and_attributes_merge_by_their_names(tmp_path: Path) -> None:
    base = (
        "activity_types: [{type: purchase, attributes: [{name: amount, kind: integer}, {name: items, kind: integer}]}]"
    )
    over = "activity_types: [{type: purchase, attributes: [{name: amount, required: true}]}, {type: visit}]"
    purchase, visit = merged(tmp_path, over, base)["activity_types"]
    assert purchase["attributes"] == [
        {"name": "amount", "kind": "integer", "required": True},
        {"name": "items", "kind": "integer"},
    ]
    assert visit == {"type": "visit"}


def test_extending_works_through_several_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "brands").mkdir()
    write(tmp_path, base=BASE, middle="extends: base.yaml\nname: Middle\n")
    top = write(tmp_path / "brands", top="extends: ../middle.yaml\ntime_zone: Europe/Berlin\n")
    programme = load(top).programme
    assert (programme["name"], programme["time_zone"]) == ("Middle", "Europe/Berlin")
    assert len(programme["points"]["earning_rules"]) == 2


@pytest.mark.parametrize(
    ("files", "refusal"),
    [
        ({"b": "extends: a.yaml\n", "a": "extends: b.yaml\n"}, "b.yaml:1:1: extends: a.yaml extends itself, through 2"),
        ({"a": "extends: a.yaml\n"}, "a.yaml:1:1: extends: a.yaml extends itself"),
        ({"a": "name: x\nextends: gone.yaml\n"}, "a.yaml:2:1: cannot read gone.yaml: No such file or directory"),
        ({"a": "extends: /etc/passwd\n"}, "a.yaml:1:1: extends: must be the relative path"),
        ({"a": "extends: [a, b]\n"}, "a.yaml:1:1: extends: must be the relative path"),
        ({f"f{n}": f"extends: f{n + 1}.yaml\n" for n in range(20, -1, -1)}, "more than 8 files build on each other"),
        ({"a": "- a\n"}, "a.yaml:1:1: a programme is a map of sections"),
        ({"a": ""}, "a.yaml:1:1: the file is empty"),
        ({"a": "# nothing\n"}, "a.yaml:1:1: the file is empty"),
        ({"a": "name: x\n---\nname: y\n"}, "a.yaml:2:1: a programme file holds one document"),
        ({"a": "points:\n  rewards: []\n  rewards: []\n"}, "a.yaml:3:3: points: the key 'rewards' is there twice"),
        ({"a": "points: !!python/object/apply:os.system [echo]\n"}, "a.yaml:1:9: points: the tag"),
        ({"a": "name: !!binary aGk=\n"}, "a.yaml:1:7: name: the tag"),
        ({"a": "a: &a {b: 1}\nc:\n  <<: *a\n"}, "a.yaml:3:3: c: merge keys (<<) are not read"),
        ({"a": "a: *b\n"}, "a.yaml:1:4: a: there is no complete value called &b"),
        ({"a": "a: &a [*a]\n"}, "there is no complete value called &a"),
        ({"a": "? [a]\n: b\n"}, "a.yaml:1:3: a key must be text"),
        ({"a": "a: &k 1\n*k : 2\n"}, "a.yaml:2:1: a key must be text"),
        ({"a": "points:\n  tiers:\n\t- a\n"}, "a.yaml:3:1: not YAML:"),
        ({"a": "name: 'x\n"}, "not YAML: "),
        ({"a": "name: \x01\n"}, "not YAML: "),
        ({"a": "p: {rewards: [{id: a, price: 0100}]}\n"}, "a.yaml:1:30: p.rewards[0].price: 0100 is a number to some"),
        ({"a": "price: .inf\n"}, "a.yaml:1:8: price: .inf is not a finite number"),
        ({"a": "price: 1e999\n"}, "a.yaml:1:8: price: 1e999 is not a finite number"),
        ({"a": "price: " + "9" * 40}, "a number of more than 32 characters"),
        ({"a": "p: [a, null]\n"}, "a.yaml:1:8: p[1]: an item of a list cannot be null"),
        ({"a": "[" * 100 + "]" * 100}, "nested deeper than 32 levels"),
        ({"a": "[" * 200_000}, "nested deeper than 32 levels"),
    ],
)
def test_a_file_that_could_be_misread_is_refused_with_its_place(
    tmp_path: Path, files: dict[str, str], refusal: str
) -> None:
    assert refusal in problem(tmp_path, **files)


def test_two_overrides_of_one_item_are_refused(tmp_path: Path) -> None:
    over = "extends: base.yaml\npoints:\n  currencies:\n  - id: points\n  - id: points\n"
    assert "over.yaml:5:5: points.currencies: the id 'points' is there twice" in problem(tmp_path, base=BASE, over=over)


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    laughs = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "aliases expand to more than" in problem(tmp_path, laughs="\n".join(laughs))


def test_aliases_that_nest_are_refused(tmp_path: Path) -> None:
    nested = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 5_000)]
    assert "nested deeper than 32 levels" in problem(tmp_path, nested="\n".join(nested))


def test_a_file_is_bounded_and_text(tmp_path: Path) -> None:
    large = write(tmp_path, large="# " + "x" * programme_file.FILE_BYTES_MAX)
    with pytest.raises(ProgrammeFileInvalid, match="larger than 4 MiB"):
        load(large)
    (tmp_path / "latin.yaml").write_bytes(b"time_zone: UTC\nname: Caf\xe9\n")
    with pytest.raises(ProgrammeFileInvalid, match=r"latin\.yaml:2:1: the file is not UTF-8 text"):
        load(tmp_path / "latin.yaml")
    with pytest.raises(ProgrammeFileInvalid, match=r"cannot read .*: Is a directory"):
        load(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes("name: Café\n".encode("utf-8-sig"))
    assert load(tmp_path / "bom.yaml").programme == {"name": "Café"}


def test_an_alias_stands_for_its_value(tmp_path: Path) -> None:
    programme = load(write(tmp_path, a="a: &a {x: 1}\nb: *a\nc: [*a]\n")).programme
    assert programme == {"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}]}


def test_unquoted_values_mean_one_thing() -> None:
    as_text = ["no", "Yes", "on", "off", "1997-01-01", "1997-01-01T10:00:00Z", "12:30:00", "0x1F", "0o17", "1_000", "y"]
    assert [plain_scalar(text) for text in as_text] == as_text
    assert [plain_scalar(text) for text in ("0", "-7", "1.50", "1e3", ".5", "+3")] == [0, -7, 1.5, 1000.0, 0.5, 3]
    assert plain_scalar("TRUE") is True
    assert plain_scalar("") is None


def test_quoted_values_are_text(tmp_path: Path) -> None:
    programme = load(write(tmp_path, a="a: '12'\nb: \"true\"\nc: |\n  no\nd: !!str 010\n")).programme
    assert programme == {"a": "12", "b": "true", "c": "no\n", "d": "010"}


def test_a_path_leads_to_the_file_line_and_column_it_came_from(tmp_path: Path) -> None:
    over = "extends: base.yaml\npoints:\n  earning_rules:\n"
    over += "    - id: first\n      amount: '2'\n    - {id: new, amount: x}\n"
    programme = load(write(tmp_path, base=BASE, over=over))
    places = {
        "points.earning_rules[1].condition": ("base", 13, 7),
        "points.earning_rules[1].amount": ("over", 5, 7),
        "points.earning_rules[2].amount": ("over", 6, 17),
        "programme.points.earning_rules[2].amount": ("over", 6, 17),
        "points.earning_rules[1]": ("over", 4, 7),
        "points.earning_rules[0].currency": ("base", 10, 7),
        "recommender.slots[0].rewards[1]": ("base", 19, 22),
        "name": ("base", 1, 1),
    }
    assert {
        path: (place.file.stem, place.line, place.column)
        for path, place in ((path, programme.locate(path)) for path in places)
    } == places


def test_a_path_to_something_missing_leads_to_what_would_hold_it(tmp_path: Path) -> None:
    programme = load(write(tmp_path, base=BASE))
    assert programme.locate("points.tiers.levels[2].threshold").line == 2
    assert programme.locate("points.earning_rules[9]").line == 6
    assert programme.locate("nothing").line == 1
    assert programme.locate("").line == 1


def test_problems_print_in_the_order_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    programme = load(write(tmp_path, base=BASE))
    found = programme.problems(
        [("points.earning_rules[1].condition", "undeclared reference to 'attributes.amonut'"), ("name", "too long")]
    )
    assert [str(one) for one in found] == [
        "base.yaml:1:1: name: too long",
        "base.yaml:13:7: points.earning_rules[1].condition: undeclared reference to 'attributes.amonut'",
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_makes_the_reader_fail_otherwise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    with contextlib.suppress(ProgrammeFileInvalid):
        assert isinstance(load(path).programme, dict)


names = st.sampled_from("abcde")
items = st.lists(names, unique=True).map(lambda ids: [{"id": name, "value": name} for name in ids])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(items, items)
def test_merging_keeps_every_item_once_and_the_inherited_order(
    tmp_path_factory: pytest.TempPathFactory, base: list[dict[str, str]], over: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    overriding = [item | {"value": "over"} for item in over]
    found = merged(folder, f"items: {overriding}", f"items: {base}")["items"]
    expected = [item["id"] for item in base] + [item["id"] for item in over if item not in base]
    assert [item["id"] for item in found] == (expected if over else [])
    assert all((item["value"] == "over") == (item["id"] in [o["id"] for o in over]) for item in found)
