import pytest
from django.contrib.auth.models import User

from conferences import signals
from conferences.models import Conference, Member
from tests.conferences.api.conftest import Api

URL = "/api/conferences/summit/members"

pytestmark = pytest.mark.django_db


def ids(conference: Conference) -> dict[str, int]:
    return {member.user.username: member.pk for member in conference.members.select_related("user")}


def test_owners_add_change_and_remove_members(
    conference: Conference, alice: User, bob: User, charlie: User, api: Api
) -> None:
    added = api(alice).post(URL, {"username": "charlie", "role": "viewer"}, format="json")
    assert added.status_code == 201
    assert (added.json()["username"], added.json()["role"]) == ("charlie", "viewer")
    assert [member["username"] for member in api(charlie).get(URL).json()["results"]] == [
        "alice", "bob", "charlie"
    ]  # fmt: skip
    again = api(alice).post(URL, {"username": "charlie", "role": "owner"}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_member")
    one = f"{URL}/{added.json()['id']}"
    assert api(alice).patch(one, {"role": "helper"}, format="json").json()["role"] == "helper"
    assert api(alice).delete(one).status_code == 204
    assert api(charlie).get(URL).status_code == 404


@pytest.mark.parametrize(
    ("body", "fields"),
    [({}, {"username", "role"}), ({"username": "nobody", "role": "viewer"}, {"username"}),
     ({"username": "charlie", "role": "king"}, {"role"}),
     ({"username": "\0", "role": "viewer"}, {"username"})],
)  # fmt: skip
def test_bad_input_is_named(
    conference: Conference, alice: User, charlie: User, api: Api, body: dict[str, str], fields: set[str]
) -> None:
    answer = api(alice).post(URL, body, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == fields
    assert conference.members.count() == 2


def test_helpers_can_leave_but_not_remove_others(
    conference: Conference, alice: User, bob: User, api: Api
) -> None:
    assert api(bob).delete(f"{URL}/{ids(conference)['alice']}").status_code == 403
    assert api(bob).patch(f"{URL}/{ids(conference)['bob']}", {"role": "owner"}).status_code == 403
    assert api(bob).post(URL, {"username": "alice", "role": "viewer"}).status_code == 403
    assert api(bob).delete(f"{URL}/{ids(conference)['bob']}").status_code == 204
    assert set(ids(conference)) == {"alice"}


def test_the_last_owner_can_neither_leave_nor_step_down(
    conference: Conference, alice: User, bob: User, api: Api
) -> None:
    mine = f"{URL}/{ids(conference)['alice']}"
    for answer in (api(alice).delete(mine), api(alice).patch(mine, {"role": "viewer"}, format="json")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_owner")
    api(alice).patch(f"{URL}/{ids(conference)['bob']}", {"role": "owner"}, format="json")
    assert api(alice).delete(mine).status_code == 204
    assert Member.objects.get(role="owner").user == bob


def test_a_member_of_another_conference_is_not_found(conference: Conference, alice: User, api: Api) -> None:
    other = Conference.objects.create(id="other", name="Other")
    member = Member.objects.create(conference=other, user=alice, role="owner")
    assert api(alice).delete(f"{URL}/{member.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_membership_changes_are_announced_after_commit(conference: Conference, alice: User, api: Api) -> None:
    told: list[tuple[str, int, str | None]] = []

    def note(sender: object, conference_id: str, user_id: int, role: str | None, **kwargs: object) -> None:
        told.append((conference_id, user_id, role))

    signals.membership_changed.connect(note)
    bob_id = User.objects.get(username="bob").pk
    member = f"{URL}/{ids(conference)['bob']}"
    api(alice).patch(member, {"role": "viewer"}, format="json")
    api(alice).delete(member)
    signals.membership_changed.disconnect(note)
    assert told == [("summit", bob_id, "viewer"), ("summit", bob_id, None)]
