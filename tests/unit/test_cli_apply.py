"""`laurels apply` applies what was checked and shown, and says where a mistake is."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from chassis.credentials import Verifier
from chassis.errors import InvalidArgument
from cli import apply as applying
from cli.__main__ import app, main
from cli.apply import apply
from cli.data_folder import DataFolder
from cli.differences import Difference, Kind, differences
from cli.gateway_client import CommandFailed, GatewayRefused, Target
from cli.programme_file import ProgrammeFileInvalid
from cli.token import seconds, token
from gateway.json_codec import decode, encode
from laurels.programme.v1.programme_pb2 import Programme

FILE = """\
name: Shop
points:
  currencies:
    - { id: points, name: Points }
  earning_rules:
    - id: dollar
      activity_type: purchase
      condition: attributes.amonut > 0
      amount: "1"
      currency: points
"""


class Programmes:
    """What a gateway keeps of one brand's programme, and what it was asked."""

    def __init__(self) -> None:
        self.version, self.programme = 0, dict[str, Any]()
        self.problems: list[dict[str, str]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.adopting_takes = 2
        self.asked: list[str] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        match method, path:
            case "POST", "/v1/programme:validate":
                return self.validate(body["programme"])
            case "GET", "/v1/programme" if self.version == 0:
                return 404, {"code": "unknown_brand", "detail": "no programme yet", "status": 404}
            case "GET", "/v1/programme":
                self.adopting_takes -= 1
                adopted = self.version if self.adopting_takes < 0 else self.version - 1
                services = [("points", self.version), ("missions", adopted)]
                adoptions = [{"service": name, "version": version} for name, version in services]
                return 200, {"version": self.version, "programme": self.programme, "adoptions": adoptions}
            case "PUT", "/v1/programme":
                return self.apply(body)
        return 404, {"code": "no_such_route", "detail": path}

    def validate(self, programme: Any) -> tuple[int, Any]:
        descriptor: Any = Programme.DESCRIPTOR
        try:
            decode(descriptor, programme)
        except InvalidArgument as error:
            errors = [{"field": f"programme.{v.field}", "detail": v.detail} for v in error.violations]
            return 400, {"code": "invalid_argument", "detail": str(error), "errors": errors}
        return 200, {"problems": self.problems}

    def apply(self, body: Any) -> tuple[int, Any]:
        if self.refusal is not None:
            return self.refusal
        if body["expected_version"] not in (0, self.version):
            return 409, {"code": "stale_version", "detail": f"The newest version is {self.version}."}
        descriptor: Any = Programme.DESCRIPTOR
        self.version, self.programme = self.version + 1, encode(decode(descriptor, body["programme"]))
        return 200, {"version": self.version, "changed": True}


@pytest.fixture
def programmes() -> Programmes:
    return Programmes()


@pytest.fixture
def target(programmes: Programmes, tmp_path: Path) -> Iterator[Target]:
    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            assert self.headers["authorization"] == "Bearer secret"
            status, answer = programmes.answer(self.command, self.path, body)
            content = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = respond  # noqa: N815  the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Target(tmp_path, f"http://127.0.0.1:{server.server_port}", "secret")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("shop.yaml")
    path.write_text(FILE)
    return path


def run(file: Path, target: Target, *, dry_run: bool = False, yes: bool = True) -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=200)
    version = apply(file, target, dry_run=dry_run, yes=yes, console=console)
    assert isinstance(console.file, io.StringIO)
    return version, console.file.getvalue()


def test_a_first_programme_is_shown_and_recorded_and_adopted(
    file: Path, target: Target, programmes: Programmes
) -> None:
    version, printed = run(file, target)
    assert version == programmes.version == 1
    assert '+ name: "Shop"' in printed
    assert "Version 1 holds everywhere" in printed
    assert programmes.asked.count("GET /v1/programme") == 4


def test_a_change_is_shown_by_path_and_id(file: Path, target: Target, programmes: Programmes) -> None:
    run(file, target)
    file.write_text(FILE.replace('amount: "1"', 'amount: "2"').replace("name: Shop", "name: Store"))
    version, printed = run(file, target)
    assert version == 2
    assert '~ points.earning_rules[dollar].amount: "1" → "2"' in printed
    assert '~ name: "Shop" → "Store"' in printed


def test_a_dry_run_applies_nothing(file: Path, target: Target, programmes: Programmes) -> None:
    _, printed = run(file, target, dry_run=True)
    assert "+ points" in printed
    assert not any(asked.startswith("PUT") for asked in programmes.asked)


def test_the_same_programme_is_not_recorded_again(file: Path, target: Target, programmes: Programmes) -> None:
    run(file, target)
    file.write_text("# a comment\n" + FILE)
    version, printed = run(file, target)
    assert (version, programmes.version) == (1, 1)
    assert "Version 1 says the same" in printed


def test_what_a_service_finds_is_told_with_its_line(file: Path, target: Target, programmes: Programmes) -> None:
    programmes.problems = [
        {"field": "points.earning_rules[0].condition", "detail": "undeclared reference to 'attributes.amonut'"}
    ]
    with pytest.raises(ProgrammeFileInvalid) as refused:
        run(file, target)
    assert str(refused.value) == (
        "shop.yaml:8:7: points.earning_rules[0].condition: undeclared reference to 'attributes.amonut'"
    )
    assert programmes.version == 0


def test_an_unknown_key_is_told_with_its_line(file: Path, target: Target) -> None:
    file.write_text(FILE.replace("condition:", "conditoin:"))
    with pytest.raises(ProgrammeFileInvalid, match=r"^shop\.yaml:8:7: points\.earning_rules\[0\]\.conditoin: "):
        run(file, target)


def test_a_version_applied_meanwhile_is_not_overwritten(file: Path, target: Target, programmes: Programmes) -> None:
    run(file, target)
    file.write_text(FILE.replace("Shop", "Store"))
    programmes.refusal = (409, {"code": "stale_version", "detail": "The newest version is 7."})
    with pytest.raises(CommandFailed, match=r"The newest version is 7\. Nothing was applied"):
        run(file, target)


def test_services_that_do_not_take_it_over_are_named(
    file: Path, target: Target, programmes: Programmes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "ADOPTION_TIMEOUT_S", 0.2)
    programmes.adopting_takes = 1_000
    with pytest.raises(CommandFailed, match="Version 1 is recorded, but after 0 seconds missions did not"):
        run(file, target)


def test_nobody_to_ask_is_a_refusal(file: Path, target: Target, programmes: Programmes) -> None:
    with pytest.raises(CommandFailed, match="add --yes"):
        run(file, target, yes=False)
    assert programmes.version == 0


def test_another_refusal_is_told_as_the_gateway_says_it(file: Path, target: Target, programmes: Programmes) -> None:
    programmes.refusal = (403, {"code": "permission_denied", "detail": "Managers only."})
    with pytest.raises(GatewayRefused, match=r"refused \(403 permission_denied\): Managers only\."):
        run(file, target)


def test_a_gateway_that_is_not_there_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"http://127\.0\.0\.1:9 does not answer"):
        run(file, Target(tmp_path, "http://127.0.0.1:9", "secret"))
    with pytest.raises(CommandFailed, match="No suite runs on"):
        run(file, Target(tmp_path / "data", "", "secret"))


def test_a_failure_is_a_sentence_and_status_1(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["laurels", "apply", "gone.yaml"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("gone.yaml:1:1: cannot read")


def failure(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What a command that fails with status 1 says."""
    monkeypatch.setattr("sys.argv", ["laurels", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--token", "\u00e9"), "characters that no token has"),
        (("--token", "two\nlines"), "characters that no token has"),
        (("--token", "t", "--gateway", "http://[::1"), "is not an address such as"),
        (("--token", "t", "--gateway", "127.0.0.1:8080"), "does not answer"),
    ],
)
def test_a_wrong_address_or_token_is_a_sentence(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    told = failure(capsys, monkeypatch, "apply", str(file), "--gateway", "http://127.0.0.1:9", *arguments)
    assert says in told


def test_a_folder_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "inner", Path("/proc/laurels")):
        told = failure(capsys, monkeypatch, "up", "--data", str(path))
        assert told.startswith(f"The data folder {path} cannot be used: ")


def test_up_refuses_a_brand_that_no_token_can_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = failure(capsys, monkeypatch, "up", "--data", str(tmp_path / "data"), "--brand", "a b")
    assert told.startswith("The brand 'a b' is not")
    assert not (tmp_path / "data").exists()


def test_ports_are_taken_without_a_claim_where_another_made_the_folder_of_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "claims").touch()  # as unusable as a folder of another user, also for root
    monkeypatch.setattr("cli.data_folder.PORT_CLAIMS", tmp_path / "claims")
    with DataFolder(tmp_path / "data").held():
        assert DataFolder(tmp_path / "data").port("points") > 0


def test_differences_name_added_removed_changed_and_reordered_items() -> None:
    before = {"tiers": [{"id": "a", "n": 1}, {"id": "b", "n": 1}, {"id": "c"}], "slots": ["x", "y"], "gone": 1}
    after = {"tiers": [{"id": "b", "n": 2}, {"id": "a", "n": 1}, {"id": "d"}], "slots": ["y"], "new": False}
    assert list(differences(before, after)) == [
        Difference(Kind.CHANGED, "tiers[b].n", 1, 2),
        Difference(Kind.ADDED, "tiers[d]", after={"id": "d"}),
        Difference(Kind.REMOVED, "tiers[c]", before={"id": "c"}),
        Difference(Kind.CHANGED, "tiers (order)", ["a", "b"], ["b", "a"]),
        Difference(Kind.CHANGED, "slots", ["x", "y"], ["y"]),
        Difference(Kind.ADDED, "new", after=False),
        Difference(Kind.REMOVED, "gone", before=1),
    ]


plain_values = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "x", "y"]), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(plain_values, plain_values)
def test_there_is_a_difference_exactly_when_values_differ(before: Any, after: Any) -> None:
    assert bool(list(differences(before, after))) == (orjson.dumps(before) != orjson.dumps(after) and before != after)


async def test_a_local_token_is_one_that_the_suite_verifies(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.signing_key()
    signed = token(folder.path, "cdnow", "c00001", "member  service", "15m")
    caller = await Verifier(str(folder.jwks)).verify(signed)
    assert (caller.brand, caller.subject, caller.scopes) == ("cdnow", "c00001", {"member", "service"})


@pytest.mark.parametrize(
    ("brand", "subject", "scope", "lives", "refusal"),
    [
        ("a b", "s", "member", "1h", "The brand 'a b' is not"),
        ("b", "", "member", "1h", "The subject '' is not"),
        ("b", "s", "admin", "1h", "The scope 'admin' is not"),
        ("b", "s", " ", "1h", "The scope ' ' is not"),
        ("b", "s", "member", "1 hour", "'1 hour' is not a duration"),
        ("b", "s", "member", "0s", "'0s' is not a duration"),
        ("b", "s", "member", "900d", "'900d' is not a duration"),
    ],
)
def test_a_token_that_no_one_could_use_is_refused(
    tmp_path: Path, brand: str, subject: str, scope: str, lives: str, refusal: str
) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.signing_key()
    with pytest.raises(CommandFailed, match=refusal):
        token(folder.path, brand, subject, scope, lives)


def test_a_folder_without_a_key_signs_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="holds no signing key"):
        token(tmp_path, "b", "s", "member", "1h")
    assert list(tmp_path.iterdir()) == []


def test_durations_have_units() -> None:
    assert [seconds(text) for text in ("90s", "15m", "1h", "7d")] == [90, 900, 3_600, 604_800]


def test_the_token_alone_is_printed(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.signing_key()
    result = CliRunner().invoke(app, ["token", "--subject", "m", "--scope", "member", "--data", str(folder.path)])
    assert result.exit_code == 0
    assert result.stdout.count(".") == 2
    assert result.stdout.count("\n") == 1
