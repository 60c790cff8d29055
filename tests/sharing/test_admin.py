"""The read-only admin pages of share attribution, which show the tree a level at a time."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from conferences.models import Conference
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from sharing.models import NotCredited
from tests.sharing.cast import opened, registered, row, share

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com"))
    return client


@pytest.fixture
def story(conference: Conference) -> None:
    events = [
        share(1, "va", "aaaa"), share(2, "vb", "bbbb", "aaaa"), share(3, "thief", "bbbb"),
        share(1, "vx", "xxxx", "yyyy"), share(2, "vy", "yyyy", "xxxx"),
        opened(3, "vc", "bbbb"), opened(4, "vc", "nonexistent"), registered(5, "vc"),
    ]  # fmt: skip
    apply_facts(read_facts([row(sent) for sent in events]))


def test_the_tree_opens_level_by_level(
    story: None, admin: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        page = admin.get("/admin/sharing/sharelink/tree/?conference_id=summit").content.decode()
    assert "aaaa" in page
    assert "cycle refused" in page
    assert ">bbbb<" not in page
    level = admin.get("/admin/sharing/sharelink/tree/?part=1&root=summit/aaaa").content.decode()
    assert ">bbbb<" in level
    assert "contested" in level
    assert "<html" not in level


def test_the_admin_searches_and_filters_links(story: None, admin: Client) -> None:
    for query, code in (
        ("q=bbbb", "bbbb"),
        ("q=vb", "bbbb"),
        ("flag=cycle", "yyyy"),
        ("flag=contested", "bbbb"),
    ):
        page = admin.get(f"/admin/sharing/sharelink/?{query}").content.decode()
        assert f">{code}</a>" in page
        assert ">aaaa</a>" not in page


def test_a_conversion_shows_its_chain_and_uncredited_codes(story: None, admin: Client) -> None:
    page = strip_tags(admin.get("/admin/sharing/shareconversion/summit_2Fr-vc/change/").content.decode())
    assert "1. bbbb · vb · direct" in page
    assert "2. aaaa · va · assisted" in page
    assert "nonexistent · no such code in this conference" in page
    link = admin.get("/admin/sharing/sharelink/summit_2Fbbbb/change/").content.decode()
    assert "thief" in link


def test_the_tree_pages_are_available_in_chinese(story: None, admin: Client) -> None:
    chinese = {"headers": {"accept-language": "zh-hans"}}
    tree = admin.get("/admin/sharing/sharelink/tree/?root=summit/aaaa", **chinese).content.decode()
    assert "打开 1 次，转发 0 次，转化 1" in tree
    page = admin.get("/admin/sharing/shareconversion/summit_2Fr-vc/change/", **chinese)
    assert "2. aaaa · va · 间接" in strip_tags(page.content.decode())


@pytest.mark.parametrize("model", ["sharelink", "shareconversion", "notcredited"])
def test_nothing_can_be_edited(story: None, admin: Client, model: str) -> None:
    assert admin.get(f"/admin/sharing/{model}/").status_code == 200
    assert admin.get(f"/admin/sharing/{model}/add/").status_code == 403


def test_the_tree_needs_a_permission(story: None, alice: User) -> None:
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/sharing/sharelink/tree/?conference_id=summit").status_code == 404


def test_the_admin_searches_uncredited_codes(story: None, admin: Client) -> None:
    item = NotCredited.objects.first()
    assert item is not None
    address = "/admin/sharing/notcredited/"
    for term in ("summit", item.registration_id, item.link_key):
        assert item in admin.get(address, {"q": term}).context["cl"].result_list
    assert item.link_key.partition("/")[2] in strip_tags(admin.get(address).content.decode())
    for term in ("other", f"{item.registration_id}x", "summit/nothing"):
        assert not admin.get(address, {"q": term}).context["cl"].result_list
