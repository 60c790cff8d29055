"""Two beats, as after a failover that went wrong: all ticks come twice, nothing is sent or counted twice."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.notifications.servers import MailServer
from tests.support.clients import PostingClients
from tests.support.counted import read_own_ids, recount, wait_until_all_are_counted
from tests.support.scraping import parse
from tests.support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.faults]

ATTENDEES, MEMBERS = 20, 10
# What would come at an hour, or after minutes, comes every five seconds. The registrations are of the day
# that the digests tell of.
_PREPARE = f"""
import datetime as dt
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from conferences.models import Conference
from conferences.services.registrations import register
from console.services.digest_times import last_morning

often, _ = IntervalSchedule.objects.get_or_create(every=5, period=IntervalSchedule.SECONDS)
for entry in PeriodicTask.objects.filter(task__in=["analytics.close_ended_days", "console.write_digests"]):
    entry.interval, entry.crontab, entry.expire_seconds = often, None, None
    entry.save()
now = timezone.now()
Conference.objects.filter(id="test").update(
    starts_at=now + dt.timedelta(hours=24, seconds=-5), reminder_hours_before=[24], time_zone="UTC"
)
test = Conference.objects.get(id="test")
evening_before = last_morning("daily", test, now=now) - dt.timedelta(hours=12)
for number in range({ATTENDEES}):
    register(
        conference=test, name=f"Ann {{number}}", email=f"ann{{number}}@example.com", form_id="f",
        now=evening_before,
    )
"""
_DIGESTS = f"""
import datetime as dt
from django.contrib.auth.models import User
from django.utils import timezone
from conferences.models import Conference, Member
from console.models import Digest

now, test = timezone.now(), Conference.objects.get(id="test")
for number in range({MEMBERS}):
    user = User.objects.create_user(f"member{{number}}", f"member{{number}}@example.com")
    member = Member.objects.create(conference=test, user=user, role=Member.Role.HELPER)
    Digest.objects.create(member=member, period="daily", language="en", since=now - dt.timedelta(days=3))
"""
_ROWS = """
from console.models import OrganizerMail
from notifications.models import Notification
print(Notification.objects.filter(message_type="checkin_reminder", channel="email", status="sent").count(),
      Notification.objects.filter(channel="email").exclude(status="sent").count(),
      OrganizerMail.objects.filter(status="sent").count(),
      OrganizerMail.objects.exclude(status="sent").count())
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def doubled(system: System, request: pytest.FixtureRequest) -> Iterator[tuple[System, MailServer]]:
    """A system with two beats and two workers of each queue that beat sends to."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        system.environment["DATABASE_URL"] = server.create_database("beats")
    with MailServer() as mails:
        system.environment |= {
            "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}", "EMAIL_RATE_PER_SECOND": "0",
        }  # fmt: skip
        system.prepare()
        system.run_code(_PREPARE)
        yield system, mails


def runs_of(system: System, task: str) -> float:
    return parse(system.http.get("/metrics").text)[f'meeteasy_task_runs_total{{task="{task}"}}']


def test_two_beats_send_and_count_nothing_twice(doubled: tuple[System, MailServer]) -> None:
    system, mails = doubled
    system.start("web", "events", "daily", "daily-2", "beat", "beat-2")
    system.wait_for(
        lambda: len(recount(system)["ids"]) == ATTENDEES, "the registrations' events", seconds=120
    )
    system.run_code(_DIGESTS)  # of a day on which something happened
    system.start("email", "email-2")
    with PostingClients(system.url, threads=2, pause_seconds=0.1) as clients:
        wanted = f"{ATTENDEES} 0 {MEMBERS} 0".split()
        system.wait_for(lambda: system.run_code(_ROWS).split() == wanted, f"{wanted}", seconds=400, every=2)
        before, began = runs_of(system, "analytics.refresh_dirty_days"), time.monotonic()
        time.sleep(30)
        runs, seconds = runs_of(system, "analytics.refresh_dirty_days") - before, time.monotonic() - began
    own = read_own_ids(system)
    assert len(own) == ATTENDEES
    today = dt.datetime.now(dt.UTC).date()
    span = {"from": f"{today - dt.timedelta(days=4)}", "to": f"{today}"}
    wait_until_all_are_counted(system, clients.ids | set(own), **span)

    kinds = Counter((str(mail["To"]), str(mail["Subject"])) for mail in mails.mails)
    repeated = {about: count for about, count in kinds.items() if count > 1}
    assert not repeated, "each mail is sent once"
    recipients = Counter(str(mail["To"]) for mail in mails.mails)
    assert {recipients[f"ann{number}@example.com"] for number in range(ATTENDEES)} == {2}, (
        "a confirmation and a reminder"
    )
    assert {recipients[f"member{number}@example.com"] for number in range(MEMBERS)} == {1}, "a digest"
    assert len(mails.mails) == 2 * ATTENDEES + MEMBERS
    assert recount(system)["dead_letters"] == 0
    assert runs > 1.2 * seconds / 5, "the control: one beat sends one tick every five seconds"
    print(f"{len(clients.ids)} events, {len(mails.mails)} mails, {runs:.0f} runs in {seconds:.0f} s")  # noqa: T201
