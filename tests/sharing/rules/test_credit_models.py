"""The results of the credit models, and the properties that all of them share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meeteasy.core.registry import DuplicateMemberError
from sharing.rules.credit_models import COLUMNS, CREDIT_MODELS, DEFAULT, register

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("model", "ages_in_days", "credits"),
    [
        ("full", [1, 2, 3], [1, 1, 1]),
        ("first_touch", [1, 2, 3], [0, 0, 1]),
        ("last_touch", [1, 2, 3], [1, 0, 0]),
        ("linear", [1, 2, 3, 4], [0.25, 0.25, 0.25, 0.25]),
        ("position_based", [5], [1]),
        ("position_based", [5, 6], [0.5, 0.5]),
        ("position_based", [5, 6, 7], [0.4, 0.2, 0.4]),
        ("position_based", [5, 6, 7, 8], [0.4, 0.1, 0.1, 0.4]),
        ("time_decay", [0, 7, 14], [4 / 7, 2 / 7, 1 / 7]),
        ("time_decay", [70_000, 70_007], [2 / 3, 1 / 3]),
    ],
)
def test_a_model_divides_the_credit_as_defined(
    model: str, ages_in_days: list[int], credits: list[float]
) -> None:
    given_credits = CREDIT_MODELS[model].weigh([age * DAY_MS for age in ages_in_days])
    assert given_credits == pytest.approx(credits)


@pytest.mark.parametrize("name", list(CREDIT_MODELS))
@given(ages=st.lists(st.integers(0, 400 * DAY_MS), min_size=1, max_size=60))
def test_fractional_models_sum_to_one_without_negative_credits(name: str, ages: list[int]) -> None:
    model = CREDIT_MODELS[name]
    credits = model.weigh(ages)
    assert len(credits) == len(ages)
    assert min(credits) >= 0
    if model.is_fractional:
        assert sum(credits) == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name, model in CREDIT_MODELS.items() if not model.uses_ages])
@given(ages=st.lists(st.integers(0, 400 * DAY_MS), min_size=1, max_size=60))
def test_models_that_do_not_use_ages_divide_all_chains_of_one_length_alike(
    name: str, ages: list[int]
) -> None:
    model = CREDIT_MODELS[name]
    assert model.divide(ages) == model.divide([0] * len(ages))


def test_each_model_has_a_column_of_its_own() -> None:
    last_touch = CREDIT_MODELS["last_touch"]
    with pytest.raises(DuplicateMemberError, match="last_touch"):
        register("another", label="Another", column=last_touch.column)(last_touch.weigh)
    for column in (0, COLUMNS + 1):
        with pytest.raises(ValueError, match=f"1 to {COLUMNS}"):
            register("another", label="Another", column=column)(last_touch.weigh)
    assert "another" not in CREDIT_MODELS


def test_the_default_is_full_credit() -> None:
    assert DEFAULT == "full"
    assert not CREDIT_MODELS[DEFAULT].is_fractional
