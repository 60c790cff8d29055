"""Fill a database with a conference of many share links and registrations, for benchmarks/reports.py.

    python -m benchmarks.harness.reports LINKS REGISTRATIONS

Runs in the lab's environment. The links, opens and registrations are the generator's
(tests/support/share_events.py) with one open a link; they go through the derivation in parts, as deliveries.
Prints JSON: what is in the database, and what to ask for.
"""

import itertools
import json
import os
import random
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from conferences import services  # noqa: E402
from conferences.models import Registration  # noqa: E402
from conferences.services.registrations import build_registration  # noqa: E402
from meeteasy.core.tokens import create_token  # noqa: E402
from sharing.derivation.deriving import apply_facts  # noqa: E402
from sharing.derivation.facts import read_facts  # noqa: E402
from sharing.models import Credit, NotCredited, ShareConversion, ShareLink  # noqa: E402
from tests.sharing.cast import row  # noqa: E402
from tests.support.share_events import share_events  # noqa: E402

CONFERENCE = "reports"
_CHANNELS = ("wechat", "mail", "poster", "badge", "linkedin", "", "xiaohongshu", "web")
_DAYS = 30
_FACTS_AT_ONCE = 15_000


def fill_links(links: int) -> None:
    chance = random.Random(1)
    events = share_events(links=links, opens_per_link=1, conference_id=CONFERENCE, hours=24 * _DAYS)
    while part := list(itertools.islice(events, _FACTS_AT_ONCE)):
        for sent in part:
            if sent["type"] == "share":
                sent["channel"] = chance.choice(_CHANNELS)
        apply_facts(read_facts([row(sent) for sent in part]))


def fill_registrations(count: int) -> None:
    conference = services.create_conference(
        owner=get_user_model().objects.get(username="organizer"), id=CONFERENCE, name="Reports",
        time_zone="Asia/Shanghai",
    )  # fmt: skip
    made = [
        build_registration(
            conference=conference, name=f"Zhang Wei {number}", email=f"n{number}@example.com", phone="",
            source=Registration.Source.IMPORT, now=timezone.now(), language="", form_id="default",
            answers=None, visitor_id="", share_code="",
        )[0]
        for number in range(count)
    ]  # fmt: skip
    Registration.objects.bulk_create(made, batch_size=500)


def main() -> None:
    links, registrations = int(sys.argv[1]), int(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    fill_registrations(registrations)
    fill_links(links)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found = ShareLink.objects.filter(conference_id=CONFERENCE)
    credits = Credit.objects.filter(conversion__conference_id=CONFERENCE)
    reasons = NotCredited.objects.filter(registration__conference_id=CONFERENCE).values_list(
        "reason", flat=True
    )
    counts: dict[str, int] = {}
    for reason in reasons.iterator():
        counts[reason] = counts.get(reason, 0) + 1
    busiest = found.order_by("-subtree_conversions").first()
    assert busiest is not None
    answer: dict[str, Any] = {
        "links": found.count(),
        "sharers": found.values("sharer").distinct().count(),
        "credited_sharers": credits.values("link__sharer").distinct().count(),
        "conversions": ShareConversion.objects.filter(conference_id=CONFERENCE).count(),
        "credits": credits.count(),
        "reasons": counts,
        "rare_reason": min(counts, key=lambda name: counts[name]) if counts else "bot",
        "sharer": busiest.sharer,
        "code": busiest.code,
        "token": create_token(get_user_model().objects.get(username="organizer")),
    }
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
