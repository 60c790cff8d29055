"""Pages through the API: who may do what, and what visitors then see."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from conferences.models import Conference, Member
from visuspace.models import GenerationJob, Page
from visuspace.services.generating import generate

pytestmark = pytest.mark.django_db

PAGES = "/api/visuspace/pages"
HERO = {"type": "hero", "id": "hero", "lead": "Hello"}


def create(client: APIClient, **fields: Any) -> Any:
    return client.post(PAGES, {"conference_id": "summit", "language": "en", **fields}, format="json")


@pytest.fixture
def page(conference: Conference, api: Callable[..., APIClient], bob: User) -> dict[str, Any]:
    """A page whose text was generated from "Hello"."""
    answer = create(api(bob), prompt="Hello")
    assert answer.status_code == 202
    generate(answer.json()["job"]["id"])
    found: dict[str, Any] = api(bob).get(f"{PAGES}/{answer.json()['id']}").json()
    return found


def test_a_prompt_becomes_a_page_that_is_published(
    page: dict[str, Any], api: Callable[..., APIClient], bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    assert (page["draft"], page["published"], page["job"]["status"]) == (1, None, "done")
    assert page["blocks"][0]["lead"] == "Hello"
    assert "Hello" not in Client().get("/conf/summit").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        answer = api(bob).post(f"{PAGES}/{page['id']}/publish", {}, format="json")
    assert (answer.status_code, answer.json()["published"]) == (200, 1)
    assert '<p class="lead">Hello</p>' in Client().get("/conf/summit").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert api(bob).delete(f"{PAGES}/{page['id']}/publish").json()["published"] is None
    assert "Hello" not in Client().get("/conf/summit").content.decode()


def test_an_edit_is_a_revision_that_can_be_undone(
    page: dict[str, Any], api: Callable[..., APIClient], bob: User
) -> None:
    path = f"{PAGES}/{page['id']}"
    edited = api(bob).patch(path, {"blocks": [{**HERO, "lead": "Edited"}], "revision": 1}, format="json")
    assert (edited.status_code, edited.json()["draft"]) == (200, 2)
    stale = api(bob).patch(path, {"blocks": [HERO], "revision": 1}, format="json")
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "stale")
    restored = api(bob).post(f"{path}/revisions", {"revision": 1}, format="json")
    assert (restored.json()["draft"], restored.json()["blocks"]) == (3, page["blocks"])
    revisions = api(bob).get(f"{path}/revisions").json()["results"]
    assert [(item["number"], item["source"], item["created_by"]) for item in revisions] == [
        (3, "restored", "bob"), (2, "edited", "bob"), (1, "generated", "bob"),
    ]  # fmt: skip
    assert api(bob).post(f"{path}/revisions", {"revision": 9}, format="json").status_code == 409


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "video", "id": "x"}],
        [HERO, HERO],
        [HERO, {**HERO, "id": "hero-2"}],
        [{**HERO, "id": "<script>"}],
        [{**HERO, "colour": "red"}],
        [{**HERO, "schema_version": 99}],
        [{"type": "text", "id": f"t{number}"} for number in range(31)],
        [{"type": "text", "id": "t", "paragraphs": ["x" * 2001]}],
    ],
)
def test_bad_blocks_are_refused_by_name(
    page: dict[str, Any], api: Callable[..., APIClient], bob: User, blocks: list[Any]
) -> None:
    answer = api(bob).patch(f"{PAGES}/{page['id']}", {"blocks": blocks, "revision": 1}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == ["blocks"]


def test_what_people_and_models_write_is_text(
    page: dict[str, Any], api: Callable[..., APIClient], bob: User
) -> None:
    hostile = "<script>alert(1)</script><img src=//evil.example/x onerror=alert(1)> javascript:alert(1)"
    blocks = [
        {**HERO, "lead": hostile},
        {"type": "text", "id": "t", "heading": hostile, "paragraphs": [hostile]},
        {"type": "venue", "id": "v", "directions": hostile},
        {"type": "faq", "id": "f", "items": [{"question": hostile, "answer": hostile}]},
    ]
    path = f"{PAGES}/{page['id']}"
    assert api(bob).patch(path, {"blocks": blocks, "revision": 1}, format="json").status_code == 200
    assert api(bob).post(f"{path}/publish", {}, format="json").status_code == 200
    shown = Client().get("/conf/summit").content.decode()
    assert shown.count("&lt;script&gt;alert(1)") >= 6
    assert "<img src=//evil" not in shown
    assert "<script>alert" not in shown


def test_roles_and_strangers(
    page: dict[str, Any], api: Callable[..., APIClient], bob: User, charlie: User, conference: Conference
) -> None:
    path = f"{PAGES}/{page['id']}"
    job = f"/api/visuspace/jobs/{page['job']['id']}"
    for client, status in ((api(charlie), 404), (api(None), 401)):
        for answer in (
            client.get(path), client.get(PAGES, {"conference_id": "summit"}), create(client), client.get(job),
            client.post(f"{path}/publish", {}, format="json"), client.delete(f"{path}/publish"),
            client.patch(path, {"blocks": [], "revision": 1}, format="json"), client.get(f"{path}/revisions"),
            client.post(f"{path}/revisions", {"revision": 1}, format="json"),
        ):  # fmt: skip
            assert answer.status_code == status
    Member.objects.create(conference=conference, user=charlie, role=Member.Role.VIEWER)
    viewer = api(charlie)
    assert viewer.get(path).status_code == viewer.get(job).status_code == 200
    for answer in (
        create(viewer), viewer.post(f"{path}/publish", {}, format="json"),
        viewer.patch(path, {"blocks": [], "revision": 1}, format="json"),
    ):  # fmt: skip
        assert answer.status_code == 403
    assert api(bob).get("/api/visuspace/pages/unknown").status_code == 404


def test_bad_requests_are_named(conference: Conference, api: Callable[..., APIClient], bob: User) -> None:
    for fields, name in (
        ({"language": "fr"}, "language"), ({"prompt": "x" * 4001}, "prompt"), ({"promt": "x"}, "promt"),
    ):  # fmt: skip
        answer = create(api(bob), **fields)
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [name])
    assert not Page.objects.exists() or not GenerationJob.objects.exists()


def test_the_program_fills_the_page(
    conference: Conference, api: Callable[..., APIClient], bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    client = api(bob)
    with django_capture_on_commit_callbacks(execute=True):
        speaker = client.post(
            "/api/visuspace/speakers?conference_id=summit",
            {"name": "Maya Patel", "affiliation": "Field Notes"}, format="json",
        )  # fmt: skip
        session = client.post(
            "/api/visuspace/sessions?conference_id=summit",
            {
                "title": "Counting people", "starts_at": "2026-11-26T09:30", "room": "Hall 2",
                "speakers": [speaker.json()["id"]],
            },
            format="json",
        )  # fmt: skip
    assert (speaker.status_code, session.status_code) == (201, 201), session.json()
    assert session.json()["starts_at"] == "2026-11-26T01:30:00Z"  # local time of the conference
    page = Client().get("/conf/summit").content.decode()
    for text in ("Maya Patel", "Field Notes", "Thursday, 26 November", "09:30", "Maya Patel, Hall 2"):
        assert text in page
    with django_capture_on_commit_callbacks(execute=True):
        path = f"/api/visuspace/sessions/{session.json()['id']}"
        assert client.patch(path, {"title": "Counting"}, format="json").status_code == 200
    assert "<b>Counting</b>" in Client().get("/conf/summit").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete(path).status_code == 204
        assert client.delete(f"/api/visuspace/speakers/{speaker.json()['id']}").status_code == 204
    assert "Maya" not in Client().get("/conf/summit").content.decode()


def test_sessions_have_speakers_of_their_conference_only(
    conference: Conference, api: Callable[..., APIClient], alice: User, bob: User, charlie: User
) -> None:
    from conferences import services

    services.create_conference(owner=charlie, id="other", name="Other")
    theirs = api(charlie).post("/api/visuspace/speakers?conference_id=other", {"name": "Zoe"}, format="json")
    session = {"title": "T", "starts_at": "2026-11-26T09:30", "speakers": [theirs.json()["id"]]}
    answer = api(bob).post("/api/visuspace/sessions?conference_id=summit", session, format="json")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["speakers"])
    ours = (
        api(bob).post("/api/visuspace/speakers?conference_id=summit", {"name": "Ann"}, format="json").json()
    )
    made = api(bob).post(
        "/api/visuspace/sessions?conference_id=summit", {**session, "speakers": []}, format="json"
    )
    path = f"/api/visuspace/sessions/{made.json()['id']}"
    for speakers in (session["speakers"], ["\0"], {"\0": "x"}, [[]], [None], ["x" * 33], ["x"] * 101):
        answer = api(bob).patch(path, {"speakers": speakers}, format="json")
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["speakers"]), speakers
    answer = api(bob).patch(path, {"speakers": [ours["id"], ours["id"]]}, format="json")
    assert (answer.status_code, answer.json()["speakers"]) == (200, [ours["id"]])
    for method in ("get", "patch", "delete"):
        path = f"/api/visuspace/speakers/{theirs.json()['id']}"
        assert getattr(api(bob), method)(path, {}, format="json").status_code == 404
