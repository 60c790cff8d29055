"""`manage.py aggregate`"""

import io

import pytest
from django.core.management import CommandError, call_command

from analytics.models import DailySummary
from conferences.models import Conference
from tests.analytics.builders import page_view, store

pytestmark = pytest.mark.django_db


def aggregate(*arguments: str) -> str:
    out = io.StringIO()
    call_command("aggregate", *arguments, stdout=out)
    return out.getvalue()


def test_every_day_of_the_range_is_computed(conference: Conference) -> None:
    store(page_view("a"))

    said = aggregate("--conference", "summit", "--from", "2026-04-30", "--to", "2026-05-01")

    assert said == "2 days computed\n"
    assert DailySummary.objects.get(id="summit:2026-05-01").figures["pv"] == 1
    assert DailySummary.objects.get(id="summit:2026-04-30").figures["pv"] == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--conference", "nowhere", "--from", "2026-05-01", "--to", "2026-05-01"), "nowhere"),
        (("--conference", "summit", "--from", "2026-05-02", "--to", "2026-05-01"), "--to is before --from"),
        (("--conference", "summit", "--from", "yesterday", "--to", "2026-05-01"), "--from"),
        (("--conference", "summit", "--from", "2026-05-01"), "--to"),
    ],
)
def test_a_wrong_argument_is_named(conference: Conference, arguments: tuple[str, ...], named: str) -> None:
    with pytest.raises(CommandError, match=named):
        aggregate(*arguments)
