"""Managing registrations as a member."""

import pytest
from django.contrib.auth.models import User

from conferences.models import Conference, Registration
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

URL = "/api/conferences/summit/registrations"


def test_the_list_filters_by_text_state_and_check_in(
    conference: Conference, ann: Registration, bob: User, api: Api
) -> None:
    conference.approval_required = True
    zhang = register(conference=conference, name="张伟", email="zhang@example.cn").registration
    check_in(ann.id, by=bob, gate="North")

    def found(**query: str) -> list[str]:
        answer = api(bob).get(URL, query)
        assert answer.status_code == 200, answer.content
        return [registration["name"] for registration in answer.json()["results"]]

    assert found() == ["张伟", "Ann"]
    assert (
        found(state="pending") == found(q="张") == found(q="zhang@") == found(checked_in="false") == ["张伟"]
    )
    assert found(q="ANN") == found(q="13800138") == found(checked_in="true") == found(q=ann.id) == ["Ann"]
    assert found(q="nobody") == []
    assert found(page_size="1") == ["张伟"]
    one = api(bob).get(f"{URL}/{zhang.id}").json()
    assert (one["email"], one["state"], one["check_in"]) == ("zhang@example.cn", "pending", None)
    assert api(bob).get(f"{URL}/{ann.id}").json()["check_in"]["gate"] == "North"


@pytest.mark.parametrize("query", [{"state": "nonsense"}, {"checked_in": "perhaps"}, {"q": "\0"}])
def test_a_bad_filter_is_named(conference: Conference, bob: User, api: Api, query: dict[str, str]) -> None:
    answer = api(bob).get(URL, query)
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == set(query)


def test_the_list_takes_a_constant_number_of_queries(
    conference: Conference, bob: User, api: Api, django_assert_num_queries
) -> None:
    for number in range(30):
        made = register(conference=conference, name="N", email=f"{number}@example.com").registration
        check_in(made.id, by=bob)
    client = api(bob)
    with django_assert_num_queries(4):  # token, member, page, check-ins
        assert len(client.get(URL).json()["results"]) == 30


def test_helpers_decide_and_wrong_states_are_refused(conference: Conference, bob: User, api: Api) -> None:
    conference.approval_required = True
    pending = register(conference=conference, name="Ben", email="ben@example.com").registration
    answer = api(bob).post(f"{URL}/{pending.id}/approve")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["decided_by"]) == ("approved", "bob")
    assert api(bob).post(f"{URL}/{pending.id}/approve").status_code == 200  # done already
    refused = api(bob).post(f"{URL}/{pending.id}/reject")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "wrong_state"
    assert refused.json()["error"]["details"] == {"state": "approved"}
    assert api(bob).post(f"{URL}/{pending.id}/cancel").json()["state"] == "cancelled"


def test_the_state_cannot_be_written_by_hand(ann: Registration, alice: User, api: Api) -> None:
    for method in ("put", "patch", "delete"):
        answer = getattr(api(alice), method)(f"{URL}/{ann.id}", {"state": "cancelled"}, format="json")
        assert answer.status_code == 405
