"""The admin for operators: every page opens with data, shows and finds it, and changes nothing."""

import datetime as dt
from typing import Any

import pytest
import uuid_utils
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analytics.admin import EventAdmin
from analytics.days.redating import redate_changed_conferences
from analytics.days.summaries import refresh_dirty_days
from analytics.models import DailySummary, DeadLetter, DirtyDay, Event, UnclaimedConference
from analytics.stream import dead_letters
from analytics.stream.entry import encode_rows
from analytics.stream.queue import Entry
from conferences import services
from conferences.models import Conference, Member
from meeteasy.core.admin import BoundedPaginator
from meeteasy.schedule import sync_schedule
from tests.analytics.builders import NOON, on_sql, page_view, store
from tests.analytics.streams import length, make_drain, make_row, run
from tests.support.services import free_port

admin.autodiscover()  # as the addresses do

pytestmark = pytest.mark.django_db

OURS = [Event, DailySummary, DirtyDay, UnclaimedConference, DeadLetter]


def add_dead_letter(event_id: str) -> DeadLetter:
    """Add a dead letter that can be stored by now."""
    entry = Entry(event_id.encode(), encode_rows([make_row(event_id)]), 5)
    dead_letters.add_entry(entry, error=RuntimeError(f"<b>no luck with {event_id}</b>"))
    return DeadLetter.objects.get(id=event_id)


def fill(number: int) -> None:
    """Add `number` rows of each of our models."""
    for i in range(number):
        name = f"{DirtyDay.objects.count()}-{i}"
        store(page_view(f"e{name}", ts=NOON - dt.timedelta(days=i), title="<script>alert(1)</script>"))
        store(page_view(f"u{name}", conference_id=f"unknown-{name}"))
        add_dead_letter(f"d{name}")
        DailySummary.objects.create(
            id=f"x:{name}", conference_id="x", date=NOON.date(), figures={"pv": i}, computed_at=NOON
        )


@pytest.fixture
def filled(conference: Conference) -> None:
    fill(3)
    sync_schedule()


def changelist(model: type[Any]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label_lower)
def test_every_page_of_the_admin_opens(model: type[Any], filled: None, admin_client: Client) -> None:
    page = admin_client.get(changelist(model))
    assert page.status_code == 200
    if admin.site._registry[model].get_search_fields(page.wsgi_request):
        assert admin_client.get(changelist(model), {"q": "summit"}).status_code == 200
        assert admin_client.get(changelist(model), {"q": "a\0b"}).status_code == 400

    found = model._default_manager.first()
    if found is not None:
        change = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[found.pk])
        assert admin_client.get(change).status_code == 200
    add = admin_client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))
    assert add.status_code in (200, 403)


@pytest.mark.parametrize(
    "model", [model for model in OURS if model is not DeadLetter], ids=lambda model: model._meta.label_lower
)
def test_tables_of_the_worker_are_read_only(model: type[Any], filled: None, admin_client: Client) -> None:
    before = list(model.objects.order_by("pk").values())
    assert before
    pk = before[0][model._meta.pk.attname]
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    assert admin_client.post(reverse(f"{name}_add"), {}).status_code == 403
    assert admin_client.post(reverse(f"{name}_change", args=[pk]), {"type": "x"}).status_code == 403
    assert admin_client.post(reverse(f"{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    admin_client.post(
        changelist(model), {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    )
    assert list(model.objects.order_by("pk").values()) == before


def rows_of(page: Any) -> list[str]:
    return [getattr(found, "event_id", found.pk) for found in page.context["cl"].result_list]


def test_events_are_found_by_id_conference_and_visitor(conference: Conference, admin_client: Client) -> None:
    day = dt.timedelta(days=1)
    store(page_view("alpha", visitor_id="v1"), page_view("beta", visitor_id="v 2", ts=NOON - day))
    store(page_view("fact", ts=NOON - day / 24), page_view("late", visitor_id="v 2"))
    store(page_view("gamma", visitor_id="v 2", conference_id="other"))

    def find(words: str) -> list[str]:
        return rows_of(admin_client.get(changelist(Event), {"q": words}))

    assert find("alpha") == find(" alpha ") == find("alpha/summit") == ["alpha"]
    assert find("alph") == []
    assert find("summit") == ["late", "alpha", "fact", "beta"]  # the latest first, ties by id
    assert find(f"summit {NOON.date()} v 2") == ["late"]
    assert find(f"summit {NOON.date() - day} v 2") == ["beta"]
    assert find("summit 2026-02-30 v1") == find("v1") == []


@pytest.fixture
def two_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventAdmin, "list_per_page", 2)


def id_made(ago: dt.timedelta) -> str:
    """A UUIDv7, as our SDK and the server make them."""
    made = timezone.now() - ago
    return str(uuid_utils.uuid7(nanoseconds=round(made.timestamp() * 1e6) * 1000))


def test_events_with_time_ordered_ids_come_latest_first(
    conference: Conference, admin_client: Client, two_on_a_page: None
) -> None:
    timed = [id_made(dt.timedelta(minutes=minutes)) for minutes in (0, 1, 60, 60 * 24 * 400)]
    timed.insert(0, id_made(-dt.timedelta(hours=2)))  # a client's clock is fast
    others = ["import-1", "f-1", "e3a1c2d4-0000-4000-8000-000000000000"]
    store(*(page_view(event_id) for event_id in reversed(timed + others)))

    pages = [rows_of(admin_client.get(changelist(Event), {"p": number})) for number in (1, 2, 3, 4)]
    assert pages == [timed[:2], timed[2:4], [timed[4], others[0]], others[1:]]

    # The same holds within a type.
    pages = [
        rows_of(admin_client.get(changelist(Event), {"type": "page_view", "p": number})) for number in (1, 3)
    ]
    assert pages == [timed[:2], [timed[4], others[0]]]


def test_a_single_page_of_events_is_ordered_by_time(conference: Conference, admin_client: Client) -> None:
    store(
        *(page_view(name, ts=NOON - dt.timedelta(days=days)) for name, days in (("b", 2), ("c", 3), ("a", 1)))
    )
    assert rows_of(admin_client.get(changelist(Event))) == ["a", "b", "c"]


@pytest.mark.only_on("sqlite", "postgresql")
def test_a_page_of_events_is_read_without_sorting(
    conference: Conference, admin_client: Client, two_on_a_page: None
) -> None:
    store(*(page_view(id_made(dt.timedelta(minutes=i))) for i in range(3)), page_view("x"), page_view("y"))
    with CaptureQueriesContext(connection) as queries:
        assert len(rows_of(admin_client.get(changelist(Event), {"p": 2}))) == 2
    statements = [row["sql"] for row in queries if '"analytics_event"' in row["sql"] and "<" in row["sql"]]
    statements += [row["sql"] for row in queries if '"analytics_event"' in row["sql"] and ">=" in row["sql"]]
    assert len(statements) == 3, "a page of ids with a time, how many are before it, and what fills it up"
    key = {"sqlite": "sqlite_autoindex_analytics_event_1", "postgresql": "analytics_event_pkey"}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # with five rows it would read all
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        for sql in statements:
            cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
            plan = " ".join(str(row[-1]) for row in cursor.fetchall())
            assert key[connection.vendor] in plan
            assert "_id" in plan.partition(key[connection.vendor])[2], "from where the page begins"
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan


@pytest.mark.only_on("sqlite")
def test_a_conferences_events_are_read_by_its_index(conference: Conference, admin_client: Client) -> None:
    fill(2)
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(changelist(Event), {"q": "summit"})
    (sql,) = [row["sql"] for row in queries if "ORDER BY" in row["sql"] and '"analytics_event"' in row["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert "event_day_figures (conference_id=?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan, "what is sorted is a day, not all"


def test_events_are_filtered_by_type_and_bots(conference: Conference, admin_client: Client) -> None:
    store(
        page_view("a"),
        page_view("bot", bot=True),
        {"event_id": "chat", "type": "ai_chat", "ts": NOON, "visitor_id": "v"},
    )
    path = changelist(Event)

    assert rows_of(admin_client.get(path, {"type": "ai_chat"})) == ["chat"]
    assert rows_of(admin_client.get(path, {"is_bot__exact": "1"})) == ["bot"]
    assert len(rows_of(admin_client.get(path))) == 3
    assert "AI chat message" in admin_client.get(path).content.decode()


def test_client_input_is_shown_as_plain_text(conference: Conference, admin_client: Client) -> None:
    store(page_view("a", title="<script>alert(1)</script>", visitor_id="<img src=x>"))
    for address in (
        changelist(Event), reverse("admin:analytics_event_change", args=[Event.objects.get().pk]),
    ):  # fmt: skip
        page = admin_client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;img src=x&gt;" in page


@on_sql
@pytest.mark.parametrize("query", [{}, {"q": "summit"}], ids=["all", "search"])
def test_the_list_of_events_never_counts_them_all(
    query: dict[str, str],
    conference: Conference,
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BoundedPaginator, "MAX_ROWS", 1)
    fill(2)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = admin_client.get(changelist(Event), query)

    assert answer.context["cl"].result_count == 2
    counts = [row["sql"] for row in queries if "COUNT(" in row["sql"] and "analytics_event" in row["sql"]]
    assert all("WHERE" in sql for sql in counts)


@pytest.mark.parametrize("model", [*OURS, Conference, Member], ids=lambda model: model._meta.label_lower)
def test_more_rows_need_no_more_queries(
    model: type[Any], conference: Conference, alice: User, admin_client: Client
) -> None:
    if model not in admin.site._registry:
        pytest.skip("shown inside its parent")
    fill(2)
    admin_client.get(changelist(model))  # content types and the like are cached from here on
    with CaptureQueriesContext(connection) as few:
        admin_client.get(changelist(model))
    fill(15)
    for number in range(10):
        services.create_conference(owner=alice, id=f"c{number}", name="C")
    with CaptureQueriesContext(connection) as many:
        page = admin_client.get(changelist(model))

    assert len(rows_of(page)) >= 10
    assert len(many) <= len(few)


def test_a_dead_letter_is_replayed_and_stored(conference: Conference, admin_client: Client) -> None:
    letter, other = add_dead_letter("d1"), add_dead_letter("d2")
    page = admin_client.get(changelist(DeadLetter))
    assert "no luck with d1" in page.content.decode()
    assert "<b>no luck" not in page.content.decode()

    answer = admin_client.post(
        changelist(DeadLetter), {"action": "replay", "_selected_action": [letter.pk]}, follow=True
    )

    assert "1 dead letter was put back." in answer.content.decode()
    letter.refresh_from_db()
    other.refresh_from_db()
    assert letter.replayed_at is not None
    assert other.replayed_at is None
    assert length() == 1
    run(make_drain())
    assert Event.objects.filter(id__startswith="d1/").exists()
    assert length() == 0

    admin_client.post(changelist(DeadLetter), {"action": "replay", "_selected_action": [letter.pk]})
    run(make_drain())
    assert Event.objects.count() == 1  # twice is harmless


def test_a_replay_without_redis_says_so_and_changes_nothing(
    conference: Conference, admin_client: Client, settings: Any
) -> None:
    letter = add_dead_letter("d1")
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    answer = admin_client.post(
        changelist(DeadLetter), {"action": "replay", "_selected_action": [letter.pk]}, follow=True
    )

    assert "The queue cannot be reached." in answer.content.decode()
    letter.refresh_from_db()
    assert letter.replayed_at is None


@on_sql
def test_the_list_of_dead_letters_reads_no_payloads(conference: Conference, admin_client: Client) -> None:
    add_dead_letter("d1")
    with CaptureQueriesContext(connection) as queries:
        assert "d1" in admin_client.get(changelist(DeadLetter)).content.decode()
    assert not any('"payload"' in row["sql"] for row in queries)


def test_an_unreadable_dead_letter_is_shown_too(conference: Conference, admin_client: Client) -> None:
    entry = Entry(b"1-1", {b"v": b"99", b"e": b"\xff\x00\xfe"}, 5)
    dead_letters.add_entry(entry, error=ValueError("of a version to come"))

    page = admin_client.get(reverse("admin:analytics_deadletter_change", args=["1-1"]))
    assert "of a version to come" in page.content.decode()


def viewer_of(model: type[Any]) -> Client:
    """A browser of a staff member who may only view `model`."""
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename=f"view_{model._meta.model_name}"))
    client = Client()
    client.force_login(user)
    return client


def test_a_user_with_view_permission_cannot_replay(conference: Conference) -> None:
    letter = add_dead_letter("d1")
    client = viewer_of(DeadLetter)

    assert client.get(changelist(DeadLetter)).status_code == 200
    client.post(changelist(DeadLetter), {"action": "replay", "_selected_action": [letter.pk]})
    letter.refresh_from_db()
    assert letter.replayed_at is None
    assert length() == 0


def test_the_admin_is_closed_to_members_of_conferences(conference: Conference, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    for model in OURS:
        assert client.get(changelist(model)).status_code == 302


def test_dirty_days_can_be_computed_now(conference: Conference, admin_client: Client) -> None:
    store(page_view("a"))
    mark = DirtyDay.objects.get()

    answer = admin_client.post(
        changelist(DirtyDay), {"action": "compute_now", "_selected_action": [mark.pk]}, follow=True
    )

    assert "The workers were asked" in answer.content.decode()
    refresh_dirty_days()
    assert not DirtyDay.objects.exists()


def test_operators_find_and_edit_the_schedule(admin_client: Client) -> None:
    sync_schedule()
    page = admin_client.get("/admin/django_celery_beat/periodictask/")

    assert "analytics: refresh dirty days" in page.content.decode()
    assert "analytics: close ended days" in page.content.decode()


def test_changing_a_zone_here_recomputes_its_days(
    conference: Conference, admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    store(page_view("a", ts=NOON - dt.timedelta(hours=11)))
    redate_changed_conferences()
    path = reverse("admin:conferences_conference_change", args=["summit"])
    form = admin_client.get(path).context["adminform"].form
    values = {name: form.initial.get(name) for name in form.fields}
    data = {name: "" if value is None else value for name, value in values.items() if value is not False}
    for field in ("languages", "reminder_hours_before"):
        data[field] = form[field].value()
    data["time_zone"] = "UTC"
    for prefix, inline in [
        (found.formset.prefix, found.formset)
        for found in admin_client.get(path).context["inline_admin_formsets"]
    ]:
        for form_of_inline in inline.forms:
            for name in form_of_inline.fields:
                value = form_of_inline[name].value()
                data[f"{form_of_inline.prefix}-{name}"] = "" if value is None else value
        data[f"{prefix}-TOTAL_FORMS"] = data[f"{prefix}-INITIAL_FORMS"] = len(inline.forms)
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(path, data)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    conference.refresh_from_db()
    assert conference.time_zone == "UTC"
    assert redate_changed_conferences() == 1
    assert Event.objects.get().local_date == dt.date(2026, 4, 30)


@pytest.mark.django_db
def test_filters_do_not_count_their_choices(admin_client: Client) -> None:
    """Django can, but it counts the whole table for each choice."""
    page = admin_client.get("/admin/analytics/event/", {"_facets": "True"})
    assert page.context["cl"].add_facets is False
    assert page.context["title"] == "Events"
