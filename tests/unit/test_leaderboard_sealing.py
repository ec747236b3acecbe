"""Seeds open with their own key for their own pool only, and a weak key starts no service."""

import base64

import pytest
from pydantic import ValidationError

from services.leaderboard.sealing import Seal, WrongSeedKey, key_of
from services.leaderboard.settings import Settings

KEY = base64.b64encode(bytes(range(32))).decode()
WHOLE = {"database_url": "postgresql://localhost/db", "jwks": "jwks.json"}


def test_a_sealed_seed_opens_as_it_was_and_does_not_show_it() -> None:
    seal = Seal(key_of(KEY))
    seed = seal.new_seed()
    sealed = seal.close("brand", "pool", seed)
    assert len(seed) == 32
    assert seed not in sealed
    assert seal.open("brand", "pool", sealed) == seed
    assert seal.close("brand", "pool", seed) != sealed


@pytest.mark.parametrize(("brand", "pool"), [("brand", "other"), ("other", "pool")])
def test_a_seed_does_not_open_for_another_pool(brand, pool) -> None:
    seal = Seal(key_of(KEY))
    with pytest.raises(WrongSeedKey, match=pool):
        seal.open(brand, pool, seal.close("brand", "pool", seal.new_seed()))


def test_a_seed_does_not_open_with_another_key_or_changed() -> None:
    sealed = Seal(key_of(KEY)).close("brand", "pool", bytes(32))
    with pytest.raises(WrongSeedKey, match="LAURELS_SEED_KEY"):
        Seal(bytes(31) + b"k").open("brand", "pool", sealed)
    with pytest.raises(WrongSeedKey):
        Seal(key_of(KEY)).open("brand", "pool", sealed[:-1] + bytes([sealed[-1] ^ 1]))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not base64!",
        base64.b64encode(bytes(range(31))).decode(),
        base64.b64encode(bytes(range(33))).decode(),
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(b"\x07" * 32).decode(),
    ],
)
def test_a_malformed_or_weak_key_is_refused_without_being_printed(key) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(seed_key=key, **WHOLE)
    assert "seed key" in str(refused.value)
    assert not key or key not in str(refused.value)


def test_no_key_is_refused(monkeypatch) -> None:
    monkeypatch.delenv("LAURELS_SEED_KEY", raising=False)
    with pytest.raises(ValidationError, match="seed_key"):
        Settings(**WHOLE)


def test_the_key_is_not_in_the_settings_text() -> None:
    settings = Settings(seed_key=KEY, **WHOLE)
    assert KEY not in repr(settings)
    assert settings.seed_key.get_secret_value() == KEY
