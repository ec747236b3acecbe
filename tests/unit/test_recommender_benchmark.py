"""The recommender's benchmark runs on the data that the repository carries, and its models keep what they reached."""

import argparse
import json

import pytest

from tests.bench import recommender


def test_the_quick_benchmark_reaches_its_targets_and_names_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    recommender.main(argparse.Namespace(data="nowhere", quick=True, only="value,timing"))
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(recommender.KEYS) <= set(found)
    assert found["clv_log_likelihood"] == pytest.approx(-9595.0, abs=0.1)
    assert found["clv_rmse"]["sample"] <= 1.603
    assert found["clv_rmse"]["master"] <= 1.726
    assert found["clv_auc"]["sample"] >= 0.783
    assert found["clv_auc"]["master"] >= 0.772
    assert found["clv_spend_rmse"]["sample"] <= 72.3
    assert found["clv_spend_rmse"]["master"] <= 92.9
    assert found["timing_mae"]["cdnow"] <= 54.0
    assert found["timing_auc"]["cdnow"] >= 0.701
    assert found["recommend_p99_ms"] is None, "it is of the running service"
