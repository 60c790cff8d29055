"""All that is stored of a person: exported whole, and erased."""

import msgspec
import pytest
from django.contrib.auth.models import User

from conferences.models import Conference, Registration
from tests.console.builders import build_branch
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/settings/people/"


def test_the_export_has_everything_that_names_the_person(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    ben = Registration.objects.get(name="Ben Bach")
    answer = browser(alice).get(f"{PAGE}{ben.pk}/export/")
    document = msgspec.json.decode(b"".join(answer.streaming_content))
    assert document["registration"]["email"] == "ben@example.com"
    assert {event["type"] for event in document["events"]} == {"share", "share_open", "registration"}
    assert [link["code"] for link in document["share_links"]] == ["benB1"]
    assert [opened["link_key"] for opened in document["share_opens"]] == ["summit/adaA1"]
    assert [credit["link_id"] for credit in document["credits"]] == ["summit/adaA1"]
    assert document["messages"]
    assert "cleo" not in msgspec.json.encode(document).decode()


def test_an_erased_person_is_nowhere_and_the_figures_stay(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    ben = Registration.objects.get(name="Ben Bach")
    client = browser(alice)
    assert "Ben Bach" in client.get(PAGE, {"q": "ben@"}).content.decode()
    assert client.get(f"{PAGE}{ben.pk}/erase/").status_code == 200
    assert Registration.objects.filter(pk=ben.pk).exists()
    client.post(f"{PAGE}{ben.pk}/erase/")
    assert not Registration.objects.filter(pk=ben.pk).exists()
    assert (
        "Ben Bach"
        not in client.get(PAGE, {"q": "ben"})
        .content.decode()
        .split("<main", 1)[-1]
        .split('role="search"')[-1]
    )


def test_a_person_of_another_conference_is_not_found(
    conference: Conference, alice: User, charlie: User, browser: Browser
) -> None:
    build_branch(conference)
    ben = Registration.objects.get(name="Ben Bach")
    from conferences import services

    services.create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    assert browser(charlie).get(f"/console/c/other/settings/people/{ben.pk}/export/").status_code == 404
