"""Whom messages go to, by what sharing knows. The apps module imports it, so workers know it as pages do."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from conferences.models import Registration
from notifications.selections import selects_by
from sharing.models import CreditSum


@selects_by("brought")
def select_sharers(found: QuerySet[Registration], value: int) -> QuerySet[Registration]:
    """Those through whom at least `value` registrations came, directly or through others."""
    sums = CreditSum.objects.filter(
        conference_id=OuterRef("conference_id"), kind=CreditSum.Kind.SHARER,
        name=OuterRef("visitor_id"), registrations__gte=value,
    )  # fmt: skip
    return found.filter(Exists(sums.values("registrations"))).exclude(visitor_id="")


def describe_selection(selection: dict[str, Any]) -> dict[str, Any]:
    """Return a selection as templates show it: the labels of its states beside its values."""
    labels = dict(Registration.State.choices)
    return {**selection, "state_labels": [labels.get(state, state) for state in selection.get("states", [])]}
