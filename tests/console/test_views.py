"""Read-only links: made and revoked by owners, opened without an account, closed in time."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from analytics import viewing
from analytics.models import ReadOnlyView
from conferences.models import Conference
from console.addresses import view_url
from tests.analytics.builders import on_sql
from tests.console.builders import build_branch
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/settings/views/"
API = "/api/conferences/summit/views"
DAYS = {"from": "2026-05-01", "to": "2026-05-01"}


def path_of(url: str) -> str:
    return url[url.index("/console/") :]


@pytest.fixture
def link(conference: Conference, alice: User) -> str:
    build_branch(conference)
    return path_of(view_url(viewing.create_view(conference=conference, name="sponsors", by="alice")[1]))


def test_a_link_shows_the_figures_and_nobodys_name(link: str, browser: Browser) -> None:
    answer = browser(None).get(link, DAYS)
    assert answer.status_code == 200
    assert answer.context["tiles"]["registrations"]["now"] == 5
    html = answer.content.decode()
    for name in ("Ada Amsel", "Ben Bach", "Cleo", "v-", "alice", "sponsors", "/console/c/", "/api/"):
        assert name not in html.replace("/console/views/", ""), name
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in answer["Cache-Control"]


def test_a_link_has_its_own_ranges_and_no_filters(link: str, browser: Browser) -> None:
    answer = browser(None).get(link, {"range": "7", "filter": "page:is:/"})
    assert answer.context["span"].name == "7"
    assert answer.context["asked"].filters == ()


def test_no_link_works_once_it_expired_or_was_revoked(
    link: str, conference: Conference, browser: Browser
) -> None:
    view = ReadOnlyView.objects.get()
    viewing.revoke_view(view)
    assert browser(None).get(link).status_code == 404
    past = timezone.now() - dt.timedelta(days=2)
    _view, token = viewing.create_view(conference=conference, name="old", by="alice", days=1, now=past)
    assert browser(None).get(path_of(view_url(token))).status_code == 404
    assert browser(None).get("/console/views/made-up/").status_code == 404


def test_the_address_is_stored_nowhere(link: str) -> None:
    token = link.rstrip("/").rpartition("/")[2]
    assert len(token) == 40
    row = ReadOnlyView.objects.values().get()
    assert token not in str(row)


def test_an_owner_makes_copies_and_revokes_a_link(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    answer = client.post(PAGE, {"name": "press", "days": "7"})
    url = answer.context["new_url"]
    assert f'value="{url}"' in answer.content.decode()
    assert browser(None).get(path_of(url)).status_code == 200
    assert url not in client.get(PAGE).content.decode()
    view = ReadOnlyView.objects.get()
    assert view.expires_at - view.created_at == dt.timedelta(days=7)
    client.post(f"{PAGE}{view.pk}/revoke/")
    assert browser(None).get(path_of(url)).status_code == 404


@pytest.mark.parametrize(
    ("given", "field"), [({"days": "7"}, "name"), ({"name": "x", "days": "9999"}, "days"),
                         ({"name": "x\x07y", "days": "7"}, "name")],
)  # fmt: skip
def test_the_form_names_what_is_wrong(
    conference: Conference, alice: User, browser: Browser, given: dict[str, str], field: str
) -> None:
    answer = browser(alice).post(PAGE, given)
    assert list(answer.context["form"].errors) == [field]
    assert not ReadOnlyView.objects.exists()


def test_the_api_makes_lists_and_revokes(
    conference: Conference, alice: User, browser: Browser, api: Any
) -> None:
    client = api(alice)
    made = client.post(API, {"name": "press", "days": 7}, format="json")
    assert made.status_code == 201
    path = path_of(made.json()["url"])
    assert browser(None).get(path).status_code == 200
    (listed,) = client.get(API).json()["results"]
    assert "url" not in listed
    assert (listed["name"], listed["created_by"], listed["revoked_at"]) == ("press", "alice", None)
    gone = client.delete(f"{API}/{listed['id']}")
    assert gone.json()["revoked_at"] is not None
    assert browser(None).get(path).status_code == 404


@pytest.mark.parametrize(
    "given", [{}, {"name": "x", "days": 0}, {"name": "x", "days": 366}, {"name": "x", "until": 1}]
)
def test_the_api_refuses_bad_input_by_name(
    conference: Conference, alice: User, api: Any, given: dict[str, Any]
) -> None:
    answer = api(alice).post(API, given, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) <= {"name", "days", "until"}


def test_only_owners_make_links(conference: Conference, bob: User, api: Any) -> None:
    assert api(bob).post(API, {"name": "x"}, format="json").status_code == 403
    assert api(bob).get(API).status_code == 403


def test_open_links_of_a_conference_are_bounded(
    conference: Conference, alice: User, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "MAX_VIEWS", 1)
    viewing.create_view(conference=conference, name="one", by="alice")
    answer = api(alice).post(API, {"name": "two"}, format="json")
    assert answer.json()["error"]["code"] == "too_many_views"


@on_sql
def test_a_link_asks_a_fixed_number_of_queries(
    link: str, browser: Browser, django_assert_num_queries: Any
) -> None:
    client = browser(None)
    for query in (DAYS, {"from": "2026-04-01", "to": "2026-05-01"}):
        client.get(link, query)
        with django_assert_num_queries(13):
            client.get(link, query)
