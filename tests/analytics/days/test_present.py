"""`present`: distinct attendees who came in on a day, whatever became of their first entry."""

import datetime as dt
from random import Random

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from analytics import own_events
from analytics.days.figures import compute_figures
from analytics.days.redating import redate_changed_conferences
from analytics.days.summaries import compute_range, refresh_dirty_days
from analytics.days.zones import local_date
from analytics.models import DailySummary, Event
from analytics.selectors.summary import get_summary
from conferences import services
from conferences.models import CheckIn, Conference, Passage, Registration
from conferences.services.checkins import undo_check_in
from conferences.services.erasing import erase_registration
from conferences.services.passages import scan, undo_passage
from conferences.services.registrations import register
from meeteasy.core.redis import get_redis
from tests.analytics.builders import store
from tests.analytics.streams import make_drain, run

pytestmark = pytest.mark.django_db(transaction=True)

ONE_DAY = dt.timedelta(days=1)
NOON = timezone.now().replace(hour=4, minute=0, second=0, microsecond=0) - 3 * ONE_DAY  # 12:00 in Shanghai
DAYS = [NOON.date() + day * ONE_DAY for day in range(2)]


def make_person(conference: Conference, number: int = 0) -> Registration:
    return register(
        conference=conference, name="Ann", email=f"ann{number}@example.com", now=NOON - 9 * ONE_DAY
    ).registration


@pytest.fixture
def ann(conference: Conference) -> Registration:
    return make_person(conference)


def read(name: str = "present") -> list[int]:
    """Return a figure of both days, by the summaries that the events lead to."""
    run(make_drain())
    refresh_dirty_days()
    found = dict(DailySummary.objects.values_list("date", "figures"))
    return [found.get(date, {}).get(name, 0) for date in DAYS]


def test_each_day_counts_an_attendee_once(ann: Registration, bob: User) -> None:
    for minute, direction in enumerate(["in", "out", "in"]):
        scan(ann.id, direction=direction, by=bob, now=NOON + dt.timedelta(minutes=minute))
    scan(ann.id, direction="in", by=bob, now=NOON + ONE_DAY)
    assert (read(), read("checkins")) == ([1, 1], [1, 0])


def test_an_exit_makes_nobody_present(ann: Registration, bob: User) -> None:
    scan(ann.id, direction="in", by=bob, now=NOON)
    scan(ann.id, direction="out", by=bob, now=NOON + ONE_DAY)
    assert read() == [1, 0]


def test_undoing_a_days_only_entry_takes_the_day_back(ann: Registration, bob: User) -> None:
    scan(ann.id, direction="in", by=bob, now=NOON)
    second = scan(ann.id, direction="in", by=bob, now=NOON + ONE_DAY)
    assert read() == [1, 1]
    undo_passage(second.passage.id, by=bob)
    assert (read(), read("checkins")) == ([1, 0], [1, 0])
    assert DailySummary.objects.get(date=DAYS[1]).revision == 2


def test_undoing_the_check_in_takes_all_days_back(ann: Registration, bob: User) -> None:
    made = scan(ann.id, direction="in", by=bob, now=NOON)
    scan(ann.id, direction="in", by=bob, now=NOON + ONE_DAY)
    undo_check_in(made.passage.check_in_id or "", by=bob)
    assert read() == [0, 0]


def test_a_late_scan_of_the_day_before_leaves_the_later_day(ann: Registration, bob: User) -> None:
    """The earlier scan takes the check-in over, and the attendee came on both days."""
    later = NOON + ONE_DAY
    scan(ann.id, direction="in", by=bob, now=later)
    scan(ann.id, direction="in", by=bob, scanned_at=NOON, now=later + dt.timedelta(hours=1))
    assert CheckIn.objects.filter(undone_at=None).count() == 1
    assert (read(), read("checkins")) == ([1, 1], [1, 0])


def test_another_time_zone_moves_entries_to_its_days(
    conference: Conference, ann: Registration, bob: User
) -> None:
    scan(ann.id, direction="in", by=bob, now=NOON)
    scan(ann.id, direction="in", by=bob, now=NOON + dt.timedelta(hours=13))  # 01:00 on the next day
    assert read() == [1, 1]
    services.update_conference(conference, time_zone="Europe/Berlin")
    redate_changed_conferences()
    assert read() == [1, 0]


def test_erasing_a_person_leaves_the_figure(ann: Registration, bob: User) -> None:
    scan(ann.id, direction="in", by=bob, now=NOON)
    scan(ann.id, direction="in", by=bob, now=NOON + ONE_DAY)
    assert read() == [1, 1]
    erase_registration(ann.id)
    compute_range("summit", *DAYS)
    assert read() == [1, 1]


def test_lost_entries_and_undone_ones_are_sent_again(ann: Registration, bob: User) -> None:
    scan(ann.id, direction="in", by=bob, now=NOON)
    second = scan(ann.id, direction="in", by=bob, now=NOON + ONE_DAY)
    undo_passage(second.passage.id, by=bob)
    get_redis().flushall()
    own_events.send_missing(now=timezone.now() + dt.timedelta(minutes=1))
    assert read() == [1, 0]
    assert Event.objects.filter(type__startswith="entry").count() == 3


def test_check_ins_of_another_system_count_on_their_days(conference: Conference) -> None:
    for day in range(2):
        at = NOON + day * ONE_DAY
        store({"event_id": f"c{day}", "type": "checkin", "ts": at, "registration_id": "theirs"})
    assert (read(), read("checkins")) == ([1, 1], [1, 0])
    services.update_conference(conference, trust_client_registrations=False)
    redate_changed_conferences()
    assert read() == [0, 0]


def test_a_range_has_it_by_day_and_not_with_filters(
    conference: Conference, ann: Registration, bob: User
) -> None:
    for day in range(2):
        scan(ann.id, direction="in", by=bob, now=NOON + day * ONE_DAY)
    read()
    summary = get_summary(conference, first=DAYS[0], last=DAYS[1])
    assert [point.present for point in summary.days] == [1, 1]
    assert not hasattr(summary.totals, "present"), "days do not add up to distinct attendees"


@pytest.mark.parametrize("seed", range(4))
def test_any_scans_and_undoings_give_what_the_rows_say(conference: Conference, bob: User, seed: int) -> None:
    """Against a count of the rows of the desk itself, which the events do not come from in one step."""
    random = Random(seed)
    people = [make_person(conference, number) for number in range(4)]
    now = NOON + 2 * ONE_DAY
    for _ in range(25):
        if random.random() < 0.25 and Passage.objects.exists():
            undo_passage(random.choice(list(Passage.objects.values_list("id", flat=True))), by=bob, now=now)
            continue
        at = NOON + dt.timedelta(minutes=random.randrange(0, 36 * 60))
        direction = random.choice(["in", "in", "out"])
        scan(random.choice(people).id, direction=direction, by=bob, scanned_at=at, now=now)
    came = {
        (registration_id, local_date(conference.time_zone, round(at.timestamp() * 1000)))
        for registration_id, at in Passage.objects.filter(direction="in", undone_at=None).values_list(
            "registration_id", "passed_at"
        )
    }
    expected = [sum(day == date for _, day in came) for date in DAYS]
    assert read() == expected
    assert [compute_figures(conference.id, date)["present"] for date in DAYS] == expected
    assert sum(expected) > 0
