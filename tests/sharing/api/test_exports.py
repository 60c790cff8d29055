"""CSV downloads have the right columns and values, and no formula that a spreadsheet would run."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from conferences.models import Conference
from tests.sharing.api.test_api import Api, download, happen
from tests.sharing.cast import opened, registered, share

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(conference: Conference) -> None:
    happen(
        share(1, "va", "aaaa", channel="wechat", target_url="https://example.com/talk"),
        share(3, "vb", "bbbb", "aaaa", channel="=mail()"),
        opened(4, "vc", "bbbb"), registered(5, "vc", "r-c"),
        opened(6, "vb", "nobodys"), opened(7, "vb", "bbbb"), registered(8, "vb", "r-b"),
    )  # fmt: skip


def rows_of(client: APIClient, path: str, **params: Any) -> list[dict[str, str]]:
    response = client.get(f"/api/sharing/{path}", {"conference_id": "summit", "format": "csv", **params})
    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="{_NAMES[path]}-summit.csv"'
    return list(csv.DictReader(io.StringIO(download(response).decode("utf-8-sig"))))


_NAMES = {"links": "links", "conversions": "credits", "not-credited": "not-credited"}


def test_the_export_of_links(story: None, api: Api, alice: User) -> None:
    later, first = rows_of(api(alice), "links")
    assert first == {
        "code": "aaaa", "parent": "", "sharer": "va", "label": "", "channel": "wechat",
        "target_url": "https://example.com/talk", "url": "http://localhost:8000/conf/summit?_s=aaaa",
        "minted": "False", "proven": "False", "first_shared_at": "2026-05-01T01:47:40Z", "flags": "",
        "opens": "0",
        "openers": "0", "child_count": "1", "direct": "1", "assisted": "1", "subtree_links": "1",
        "subtree_conversions": "2",
    }  # fmt: skip
    assert (later["code"], later["parent"], later["channel"]) == ("bbbb", "aaaa", "'=mail()")
    assert (later["opens"], later["openers"], later["direct"], later["assisted"]) == (
        "1",
        "1",
        "1",
        "0",
    )  # not by its own sharer


def test_the_export_of_credits_under_a_model(story: None, api: Api, alice: User) -> None:
    rows = rows_of(api(alice), "conversions", model="linear")
    same = {"registered_at": "2026-05-01T01:51:40Z", "model": "linear", "registration_id": "r-c"}
    assert rows == [
        {
            "registration_id": "r-b", "registered_at": "2026-05-01T01:54:40Z", "code": "aaaa",
            "sharer": "va", "channel": "wechat", "distance": "2", "kind": "direct", "model": "linear",
            "credit": "1.0",
        },
        {
            **same, "code": "bbbb", "sharer": "vb", "channel": "'=mail()", "distance": "1",
            "kind": "direct", "credit": "0.5",
        },
        {
            **same, "code": "aaaa", "sharer": "va", "channel": "wechat", "distance": "2",
            "kind": "assisted", "credit": "0.5",
        },
    ]  # fmt: skip


def test_the_export_of_uncredited_codes(story: None, api: Api, alice: User) -> None:
    (row,) = rows_of(api(alice), "not-credited")
    assert row == {
        "registration_id": "r-b", "registered_at": "2026-05-01T01:54:40Z", "code": "bbbb",
        "reason": "self_referral", "message": "the sharer registered", "distance": "1",
    }  # fmt: skip
