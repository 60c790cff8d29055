"""The admin's first page, and what staff who are not superusers see of conferences."""

import datetime as dt
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from analytics.days.summaries import refresh_dirty_days
from analytics.models import DailySummary, DeadLetter, DirtyDay, DoorRules, Event
from conferences import services
from conferences.admin.scoping import OfMembers
from conferences.models import Conference, EventKey, Registration
from conferences.services.checkins import check_in
from conferences.services.keys import create_key
from conferences.services.registrations import register
from meeteasy.core import health
from meeteasy.core.heartbeats import Heart
from meeteasy.core.queues import Queue
from meeteasy.schedule import sync_schedule
from notifications.models import Notification
from sharing.models import ShareLink
from tests.analytics.builders import page_view, store
from tests.analytics.test_admin import add_dead_letter, changelist
from tests.console.builders import build_branch
from tests.support.services import free_port

admin.autodiscover()

pytestmark = pytest.mark.django_db


def staff(user: User) -> Client:
    """A browser of the user as staff with every permission there is, but no superuser."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename__contains="deadletter"))
    client = Client()
    client.force_login(user)
    return client


def fill(conference: Conference) -> None:
    made = register(conference=conference, name=f"Ann of {conference.id}", email="ann@example.com")
    check_in(made.registration.id, by=None)
    store(
        page_view(f"e-{conference.id}", conference_id=conference.id),
        {**page_view(f"s-{conference.id}"), "type": "share", "conference_id": conference.id,
         "share_code": f"code{conference.id[:4]}"},
    )  # fmt: skip
    create_key(conference=conference, kind="write", name=f"key of {conference.id}", by=None)
    DoorRules.objects.create(conference_id=conference.id)


@pytest.fixture
def two(conference: Conference, charlie: User) -> tuple[Conference, Conference]:
    """`summit` of Alice, and Charlie's `other`, each with a row of most kinds."""
    other = services.create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    for each in (conference, other):
        fill(each)
    refresh_dirty_days()
    for each in (conference, other):
        store(page_view(f"late-{each.id}", conference_id=each.id))  # leaves a dirty day
    return conference, other


OF_CONFERENCES = [model for model, page in admin.site._registry.items() if isinstance(page, OfMembers)]


@pytest.mark.parametrize("model", OF_CONFERENCES, ids=lambda model: model._meta.label_lower)
def test_staff_see_only_their_conferences_rows(model: type[Any], two: Any, alice: User) -> None:
    client = staff(alice)
    path = admin.site._registry[model].conference_path  # type: ignore[attr-defined]
    listed = client.get(changelist(model)).context["cl"].result_list
    seen = set(model._default_manager.filter(pk__in=[row.pk for row in listed]).values_list(path, flat=True))
    assert seen <= {"summit"}
    foreign = model._default_manager.filter(**{path: "other"}).first()
    if foreign is not None:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        answer = client.get(reverse(name, args=[foreign.pk]))
        assert answer.status_code == 302, "as if it did not exist"


def test_the_walk_over_rows_meets_most_kinds(two: Any, alice: User) -> None:
    client = staff(alice)
    for model in (
        Event, DailySummary, DirtyDay, Registration, EventKey, DoorRules, ShareLink, Notification, Conference,
    ):  # fmt: skip
        assert len(client.get(changelist(model)).context["cl"].result_list) > 0, model
    root = User.objects.create_superuser("root")
    client.force_login(root)
    assert len(client.get(changelist(Conference)).context["cl"].result_list) == 2


def test_every_table_with_a_conference_is_scoped() -> None:
    loose = set()
    for model, page in admin.site._registry.items():
        fields = {field.name for field in model._meta.get_fields()}
        if fields & {"conference", "conference_id"} and not isinstance(page, OfMembers):
            loose.add(model._meta.label_lower)
    # Events of conferences that do not exist belong to nobody.
    assert loose == {"analytics.unclaimedconference"}


def test_staff_write_nothing_into_others_conferences(two: Any, alice: User) -> None:
    client = staff(alice)
    rules = {
        "conference_id": "other",
        "allowed_origins": "[]",
        "blocked_networks": "[]",
        "blocked_pages": "[]",
    }
    DoorRules.objects.all().delete()
    page = client.post(reverse("admin:analytics_doorrules_add"), rules)
    assert "conference_id" in page.context["adminform"].form.errors
    assert client.post(reverse("admin:analytics_doorrules_add"), {**rules, "conference_id": "summit"})
    assert set(DoorRules.objects.values_list("conference_id", flat=True)) == {"summit"}
    page = client.post(
        reverse("admin:conferences_eventkey_add"), {"conference": "other", "kind": "write", "name": "x"}
    )
    assert "conference" in page.context["adminform"].form.errors


def test_the_tree_and_rendered_mails_are_scoped(two: Any, alice: User) -> None:
    client = staff(alice)
    assert client.get(reverse("admin:sharing_tree"), {"conference_id": "summit"}).status_code == 200
    assert client.get(reverse("admin:sharing_tree"), {"conference_id": "other"}).status_code == 404
    foreign = Notification.objects.filter(conference_id="other").first()
    assert foreign is not None
    url = reverse("admin:notifications_notification_render", args=[foreign.pk])
    assert client.get(url).status_code == 404


def test_one_conferences_list_does_not_repeat_it(two: Any, alice: User, admin_client: Client) -> None:
    path = changelist(Registration)
    assert "conference_id" in admin_client.get(path).context["cl"].list_display
    found = admin_client.get(path, {"conference__id__exact": "summit"})
    assert "conference_id" not in found.context["cl"].list_display
    assert "conference_id" not in staff(alice).get(path).context["cl"].list_display


@pytest.mark.parametrize("model", [Registration, Notification, EventKey])
def test_no_save_where_nothing_can_be_saved(model: type[Any], two: Any, admin_client: Client) -> None:
    found = model._default_manager.first()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    answer = admin_client.get(reverse(f"{name}_change", args=[found.pk]))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert 'name="_save"' not in page
    assert 'name="_continue"' not in page
    assert 'name="_addanother"' not in page


def test_a_new_key_can_still_be_saved(conference: Conference, admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:conferences_eventkey_add")).content.decode()
    assert 'name="_save"' in page


def test_the_first_page_says_what_runs_and_waits(conference: Conference, admin_client: Client) -> None:
    page = admin_client.get("/admin/")
    levels = {queue.name: queue.level for queue in page.context["operations"].queues}
    assert levels == {str(name): "bad" for name in Queue}, "no worker was ever heard of"
    assert page.context["operations"].beat_level == "bad"

    for name in Queue:
        Heart().beat(str(name))
    health.note_beat()
    add_dead_letter("d1")
    store(page_view("a"))
    DirtyDay.objects.update(marked_at=DirtyDay.objects.get().marked_at - dt.timedelta(minutes=5))
    page = admin_client.get("/admin/")
    state = page.context["operations"]
    levels = {queue.name: queue.level for queue in state.queues}
    assert levels.pop("analytics.daily") == "warn"
    assert set(levels.values()) == {"good"}
    assert state.beat_level == "good"
    daily = next(queue for queue in state.queues if queue.name == "analytics.daily")
    assert (daily.waiting.count, daily.waiting.age_seconds >= 300) == (1, True)
    assert state.failed[0].count == 1
    for link in [*(queue.waiting.url for queue in state.queues), *(item.url for item in state.failed)]:
        assert admin_client.get(link).status_code == 200, link


def test_the_first_page_opens_without_redis(admin_client: Client, settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    page = admin_client.get("/admin/")
    assert page.status_code == 200
    assert "Redis does not answer" in page.content.decode()


def test_staff_of_a_conference_see_no_machinery(two: Any, alice: User) -> None:
    page = staff(alice).get("/admin/")
    assert page.context["operations"] is None
    assert "no worker" not in page.content.decode()


def test_days_are_computed_again_on_request(conference: Conference, admin_client: Client) -> None:
    build_branch(conference)
    day = DailySummary.objects.get()
    DailySummary.objects.update(figures={"pv": 999})
    DirtyDay.objects.all().delete()
    answer = admin_client.post(
        changelist(DailySummary), {"action": "compute_again", "_selected_action": [day.pk]}, follow=True
    )
    assert "compute 1 day again" in answer.content.decode()
    refresh_dirty_days()
    day.refresh_from_db()
    assert day.figures["pv"] == 1


def test_a_dead_letter_is_deleted_after_asking(conference: Conference, admin_client: Client) -> None:
    letter, other = add_dead_letter("d1"), add_dead_letter("d2")
    data = {"action": "delete_selected", "_selected_action": [letter.pk]}
    asked = admin_client.post(changelist(DeadLetter), data)
    assert "Are you sure" in asked.content.decode()
    assert DeadLetter.objects.count() == 2
    admin_client.post(changelist(DeadLetter), {**data, "post": "yes"})
    assert list(DeadLetter.objects.all()) == [other]


def test_the_schedules_form_says_nothing_undefined(admin_client: Client) -> None:
    sync_schedule()
    from django_celery_beat.models import PeriodicTask

    for task in PeriodicTask.objects.all()[:3]:
        page = admin_client.get(reverse("admin:django_celery_beat_periodictask_change", args=[task.pk]))
        assert page.status_code == 200
        assert "Translation: $" not in page.content.decode()
        assert "<script>" not in page.content.decode()
