"""What the script of the desk asks for: scans, undoing, names, counts, and the list for a device."""

import datetime as dt
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from conferences import badges, services
from conferences.models import CheckIn, Conference, DeskSettings, Passage, Registration
from conferences.services.registrations import register
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

DESK = "/console/c/summit/desk/"


@pytest.fixture
def ann(conference: Conference) -> Registration:
    conference.questions = [
        {"key": "shirt", "kind": "choice", "label": {"en": "T-shirt"}, "options": [{"value": "l"}]},
        {"key": "secret", "kind": "text", "label": {"en": "Secret"}},
    ]
    conference.save()
    return register(
        conference=conference, name="Ann Émile", email="hidden@example.com", phone="+8613800138000",
        answers={"shirt": "l", "secret": "vault"}, source=Registration.Source.IMPORT,
        now=timezone.now() - dt.timedelta(days=2),
    ).registration  # fmt: skip


def send(client: Client, key: str = "", **given: Any) -> Any:
    now = timezone.now().isoformat()
    headers = {"Idempotency-Key": key} if key else {}
    body = {"scanned_at": now, "sent_at": now, **given}
    return client.post(f"{DESK}scan/", json.dumps(body), content_type="application/json", headers=headers)


def test_a_scan_lets_in_once(ann: Registration, stella: User, browser: Browser) -> None:
    client, code = browser(stella), badges.make_code(ann)
    first = send(client, code=code, gate="East").json()
    assert (first["outcome"], first["name"]) == ("welcome", "Ann Émile")
    second = send(client, code=code, gate="West").json()
    assert second["outcome"] == "already"
    assert "East" in second["why"]
    assert "stella" in second["why"]
    assert CheckIn.objects.get().gate == "East"


def test_a_steward_reads_no_address_number_or_other_answer(
    ann: Registration, stella: User, browser: Browser
) -> None:
    DeskSettings.objects.create(conference_id="summit", shown_questions=["shirt"], names_offline=True)
    client = browser(stella)
    texts = [
        send(client, code=badges.make_code(ann)).content.decode(),
        client.get(f"{DESK}find/", {"q": "emile"}).content.decode(),
        client.get(f"{DESK}list/").content.decode(),
        client.get(f"{DESK}counts/").content.decode(),
    ]
    assert json.loads(texts[0])["answers"] == ["T-shirt: l"]
    assert json.loads(texts[1])["people"][0]["name"] == "Ann Émile"
    for text in texts:
        for hidden in ("hidden", "13800138000", "vault"):
            assert hidden not in text


@pytest.mark.parametrize(
    "disturb",
    [
        lambda code: f"]Q1{code}",
        lambda code: f"https://example.com/b?code={code}&x=1",
        lambda code: f"\ufeff {code[:20]} \u200b{code[20:]}\r\n",
        lambda code: code.replace(":", "\uff1a"),
        lambda code: code.swapcase(),
    ],
    ids=["prefix", "address", "blanks", "wide colon", "locked shift"],
)
def test_a_disturbed_code_is_read(ann: Registration, stella: User, browser: Browser, disturb: Any) -> None:
    code = badges.make_code(ann)
    assert badges.clean_code(disturb(code)) == code
    assert send(browser(stella), code=disturb(code)).json()["outcome"] == "welcome"


@pytest.mark.parametrize("state", ["pending", "waiting", "rejected", "cancelled"])
def test_a_state_is_named_and_lets_nobody_in(
    ann: Registration, stella: User, browser: Browser, state: str
) -> None:
    Registration.objects.filter(pk=ann.pk).update(state=state, decided_at=timezone.now())
    answer = send(browser(stella), code=badges.make_code(ann)).json()
    assert (answer["outcome"], answer["passage"]) == (state, "")
    assert not Passage.objects.exists()


def test_unknown_and_foreign_codes_are_told_apart(
    ann: Registration, alice: User, stella: User, browser: Browser
) -> None:
    other = services.create_conference(owner=alice, id="other", name="Data Days", time_zone="UTC")
    foreign = register(conference=other, name="Eve", email="eve@example.com").registration
    client = browser(stella)
    assert send(client, code=f"{ann.id}:forged").json()["outcome"] == "unknown"
    answer = send(client, code=badges.make_code(foreign)).json()
    assert (answer["outcome"], answer["name"]) == ("other", "Data Days")
    assert send(client, registration=foreign.id).status_code == 404


def test_helpers_approve_at_the_door(ann: Registration, bob: User, stella: User, browser: Browser) -> None:
    Registration.objects.filter(pk=ann.pk).update(state="pending")
    code = badges.make_code(ann)
    assert send(browser(bob), code=code).json()["approvable"]
    assert not send(browser(stella), code=code).json()["approvable"]
    assert send(browser(stella), code=code, approve=True).status_code == 403
    assert send(browser(bob), code=code, approve=True).json()["outcome"] == "welcome"


def test_a_repeated_key_gets_its_first_answer(ann: Registration, stella: User, browser: Browser) -> None:
    client = browser(stella)
    scanned = timezone.now().isoformat()
    answers = [
        send(client, key="k1", code=badges.make_code(ann), scanned_at=scanned).json() for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert Passage.objects.count() == 1


def test_an_earlier_scan_of_another_desk_corrects_ours(
    ann: Registration, stella: User, bob: User, browser: Browser
) -> None:
    code, now = badges.make_code(ann), timezone.now()
    # It is noon there, so both scans are on one day.
    Conference.objects.update(time_zone=f"Etc/GMT{now.hour - 12:+}")
    ours = send(browser(stella), code=code, gate="B").json()
    early = (now - dt.timedelta(minutes=9)).isoformat()
    assert send(browser(bob), code=code, gate="A", scanned_at=early).json()["outcome"] == "welcome"
    counts = browser(stella).get(f"{DESK}counts/").json()
    assert "A" in counts["corrections"][ours["passage"]]
    assert (counts["checked_in"], counts["gates"]) == (1, {"A": 1})


def test_a_wrong_clock_is_corrected(ann: Registration, stella: User, browser: Browser) -> None:
    wrong = timezone.now() - dt.timedelta(days=1)
    send(
        browser(stella), code=badges.make_code(ann), scanned_at=wrong.isoformat(),
        sent_at=(wrong + dt.timedelta(minutes=3)).isoformat(),
    )  # fmt: skip
    ago = timezone.now() - CheckIn.objects.get().checked_in_at
    assert dt.timedelta(minutes=2) < ago < dt.timedelta(minutes=4)


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"code": "a", "registration": "b"}, {"code": "a", "direction": "up"}, {"code": "a", "x": 1},
        {"code": "a", "scanned_at": "2026-05-01T09:00:00"}, {"code": "x" * 600}, {"registration": "a\0"},
        {"code": "a", "gate": "g" * 101},
    ],
)  # fmt: skip
def test_a_bad_scan_is_refused(ann: Registration, stella: User, browser: Browser, bad: Any) -> None:
    answer = send(browser(stella), **bad)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]


def test_deep_json_is_no_scan(ann: Registration, stella: User, browser: Browser) -> None:
    body = '{"code": "a", "x": ' + "[" * 5000 + "]" * 5000 + "}"
    answer = browser(stella).post(f"{DESK}scan/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["body"]


def test_stewards_undo_their_own_scans_for_a_while(
    ann: Registration, bob: User, stella: User, browser: Browser
) -> None:
    client, code = browser(stella), badges.make_code(ann)
    of_bob = send(browser(bob), code=code).json()["passage"]
    assert client.post(f"{DESK}scans/{of_bob}/undo/").status_code == 403
    assert browser(bob).post(f"{DESK}scans/{of_bob}/undo/").status_code == 200
    own = send(client, code=code).json()["passage"]
    assert client.post(f"{DESK}scans/{own}/undo/").status_code == 200
    assert not CheckIn.objects.filter(undone_at=None).exists()
    late = send(client, code=code).json()["passage"]
    Passage.objects.filter(pk=late).update(recorded_at=timezone.now() - dt.timedelta(minutes=11))
    assert client.post(f"{DESK}scans/{late}/undo/").status_code == 403


def test_the_list_has_digests_and_names_only_if_allowed(
    ann: Registration, stella: User, browser: Browser
) -> None:
    client = browser(stella)
    found = client.get(f"{DESK}list/").json()
    (digest,) = badges.make_digests([ann.id])
    assert found["codes"] == {"approved": digest}
    assert found["people"] is None
    assert ann.id not in json.dumps(found)
    send(client, code=badges.make_code(ann))
    DeskSettings.objects.create(conference_id="summit", names_offline=True)
    found = client.get(f"{DESK}list/").json()
    assert found["codes"] == {"inside": digest}
    assert found["people"] == [[digest, ann.id, "Ann Émile", []]]


def test_owners_set_gates_and_answers(ann: Registration, alice: User, stella: User, browser: Browser) -> None:
    page = "/console/c/summit/settings/desk/"
    given = {"gates": "Gate A\n 东门 \nGate A\n", "shown_questions": ["shirt"], "names_offline": "on"}
    assert browser(alice).post(page, given).status_code == 302
    stored = DeskSettings.objects.get()
    assert stored.gates == ["Gate A", "东门"]
    assert (stored.shown_questions, stored.names_offline) == (["shirt"], True)
    assert "<option>东门</option>" in browser(stella).get(DESK).content.decode()
    assert browser(alice).post(page, {"shown_questions": ["nothing"]}).status_code == 200


def test_the_worker_belongs_to_the_desk_alone(conference: Conference, stella: User, browser: Browser) -> None:
    answer = browser(stella).get(f"{DESK}worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in answer


def test_more_people_cost_no_more_queries(
    ann: Registration, conference: Conference, stella: User, browser: Browser,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    client = browser(stella)
    for number in range(5):
        person = register(conference=conference, name="B", email=f"b{number}@example.com", answers={})
        send(client, code=badges.make_code(person.registration))
    for page, most in (("counts/", 9), ("list/", 8), ("find/?q=b", 8)):
        with django_assert_max_num_queries(most):
            assert client.get(f"{DESK}{page}").status_code == 200
    with django_assert_max_num_queries(32):  # savepoints included
        assert send(client, key="k", code=badges.make_code(ann)).json()["outcome"] == "welcome"


def test_a_colleagues_scan_is_not_taken_in_ones_own_name(
    ann: Registration, stella: User, bob: User, browser: Browser
) -> None:
    code, own = badges.make_code(ann), str(stella.pk)
    refused = send(browser(bob), "k1", code=code, account=own)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "other_account")
    assert not Passage.objects.exists()
    assert send(browser(stella), "k1", code=code, account=own).json()["outcome"] == "welcome"
    assert Passage.objects.get().scanned_by == stella


def test_a_list_is_for_one_account_until_its_session_ends(
    ann: Registration, stella: User, browser: Browser
) -> None:
    client = browser(stella)
    found = client.get(f"{DESK}list/").json()
    assert found["account"] == str(stella.pk)
    until = dt.datetime.fromisoformat(found["until"])
    assert abs(until - client.session.get_expiry_date()) < dt.timedelta(minutes=1)
