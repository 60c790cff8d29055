"""GET /api/sharing/credit-models."""

from collections.abc import Callable

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from sharing.rules.credit_models import CREDIT_MODELS


def test_every_model_is_listed_with_its_label(alice: User, api: Callable[[User | None], APIClient]) -> None:
    answer = api(alice).get("/api/sharing/credit-models", headers={"Accept-Language": "zh-hans"})
    rows = {row["name"]: row for row in answer.json()["results"]}
    assert rows.keys() == set(CREDIT_MODELS)
    assert rows["linear"] == {
        "name": "linear", "label": "线性", "is_fractional": True, "is_default": False,
    }  # fmt: skip
    assert [name for name, row in rows.items() if row["is_default"]] == ["full"]
    assert not rows["full"]["is_fractional"]
