"""Share Tracking: the same figures as the API, names, search, levels, voiding, campaign links."""

from collections import defaultdict
from typing import Any

import pytest
from django.contrib.auth.models import User

from conferences.models import Conference, Registration
from console.selectors.people import Person
from console.selectors.share_rows import View, make_boxes
from console.selectors.share_tree import Forest, Node
from sharing.models import ShareLink, Void
from tests.console.builders import NOON, build_branch, build_chain, opened, registered, share, store
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/sharing/"


def rows_of(page: Any) -> list[tuple[Any, ...]]:
    return [
        ("others", row["links"], row["registrations"])
        if row.get("is_others")
        else (row["level"], row["person"].name, row["direct"], row["below"])
        for row in page.context["tree"]["rows"]
    ]


def test_the_tree_has_names_levels_and_counts(conference: Conference, alice: User, browser: Browser) -> None:
    build_branch(conference)
    page = browser(alice).get(PAGE)
    assert rows_of(page) == [(1, "Ada Amsel", 2, 1), (2, "Ben Bach", 1, 0)]
    assert page.context["tree"]["total"] == 3
    assert page.context["all"]["registrations"] == 5


def test_the_page_and_the_api_say_the_same(
    conference: Conference, alice: User, browser: Browser, api: Any
) -> None:
    build_branch(conference)
    context = browser(alice).get(PAGE).context
    board = api(alice).get("/api/sharing/leaderboard?conference_id=summit").json()
    assert context["leaders"]["totals"] == board["totals"]
    assert [row["credit"] for row in context["leaders"]["rows"]] == [
        row["credit"] for row in board["results"]
    ]
    k_factor = api(alice).get("/api/sharing/k-factor?conference_id=summit").json()
    assert context["tiles"]["k_factor"] == k_factor["k_factor"]
    assert context["tiles"]["share_conversions"] == context["tree"]["total"] == 3
    assert context["tiles"]["bringing"] == len(board["results"]) == 2


def test_boxes_too_narrow_to_see_are_in_the_box_of_the_others() -> None:
    links = [
        ShareLink(code=code, subtree_conversions=count) for code, count in (("a", 997), ("b", 2), ("c", 1))
    ]
    forest = Forest(None, [], [Node(link, 1, 1000) for link in links], total=1000)
    boxes = make_boxes(forest, defaultdict(lambda: Person("Ada", True)), View())
    assert [(box["total"], box.get("is_others", False)) for box in boxes] == [(997, False), (3, True)]


def test_an_unregistered_sharer_is_a_short_id(conference: Conference, alice: User, browser: Browser) -> None:
    store(share("anon1", "0199d3a8-6f5e-7c1a-21d509", at=0))
    page = browser(alice).get(PAGE)
    assert rows_of(page) == [(1, "v-21d509", 0, 0)]


def test_ten_best_children_then_one_row_of_others(
    conference: Conference, alice: User, browser: Browser
) -> None:
    store(*(share(f"root{number:02}", f"v{number}", at=number) for number in range(13)))
    rows = rows_of(browser(alice).get(PAGE))
    assert len(rows) == 11
    assert rows[-1] == ("others", 3, 0)


def test_below_the_fourth_level_another_root_goes_on(
    conference: Conference, alice: User, browser: Browser
) -> None:
    codes = build_chain(7)
    client = browser(alice)
    page = client.get(PAGE, {"open": ",".join(codes)})
    assert [row[0] for row in rows_of(page)] == [1, 2, 3, 4]
    assert page.context["tree"]["rows"][-1]["deeper"] == f"?root={codes[3]}"
    page = client.get(PAGE, {"root": codes[3], "open": ",".join(codes)})
    assert [row["link"].code for row in page.context["tree"]["rows"]] == codes[3:7]
    assert [item["link"].code for item in page.context["tree"]["crumbs"]] == codes[:4]


def test_the_search_opens_the_path_to_a_person(conference: Conference, alice: User, browser: Browser) -> None:
    build_branch(conference)
    for query in ("bach", "benB1", "http://localhost/conf/summit?_s=benB1"):
        rows = browser(alice).get(PAGE, {"q": query}).context["tree"]["rows"]
        assert [row["person"].name for row in rows if row["is_marked"]] == ["Ben Bach"]
        assert [row["level"] for row in rows] == [1, 2]


def test_the_search_shows_what_is_not_among_the_best(
    conference: Conference, alice: User, browser: Browser
) -> None:
    store(*(share(f"root{number:02}", f"v{number}", at=number) for number in range(13)))
    rows = browser(alice).get(PAGE, {"q": "root12"}).context["tree"]["rows"]
    assert rows[10]["link"].code == "root12"
    assert rows[11]["links"] == 2


def test_a_search_for_nobody_says_so(conference: Conference, alice: User, browser: Browser) -> None:
    build_branch(conference)
    assert "Nothing is called “Mayer”" in browser(alice).get(PAGE, {"q": "Mayer"}).content.decode()


def test_branches_that_brought_nobody_can_be_hidden(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    store(*(share(f"none{number:02}", f"v{number}", at=number) for number in range(13)))
    names = [row[1] for row in rows_of(browser(alice).get(PAGE, {"only": "1"}))]
    assert names == ["Ada Amsel", "Ben Bach"]


def test_queries_do_not_grow_with_the_tree(
    conference: Conference, alice: User, browser: Browser, django_assert_max_num_queries: Any
) -> None:
    client = browser(alice)
    build_branch(conference)
    with django_assert_max_num_queries(26) as few:
        client.get(PAGE)
    store(*(share(f"more{number:02}", f"v{number}", at=number, parent="adaA1") for number in range(40)))
    build_chain(8)
    from django.core.cache import cache

    cache.clear()
    with django_assert_max_num_queries(len(few.captured_queries) + 4):  # deeper levels, and "others"
        client.get(PAGE)


def test_nothing_shared_yet_is_an_empty_state(conference: Conference, alice: User, browser: Browser) -> None:
    assert "Nobody has shared yet" in browser(alice).get(PAGE).content.decode()


def test_a_campaign_link_has_code_qr_and_poster(conference: Conference, bob: User, browser: Browser) -> None:
    client = browser(bob)
    answer = client.post(f"{PAGE}new/", {"label": "Poster at gate 3", "channel": "poster", "code": "gate-3"})
    assert answer["Location"] == f"{PAGE}links/gate-3/"
    assert "Poster at gate 3" in client.get(answer["Location"]).content.decode()
    svg = client.get(f"{PAGE}links/gate-3/qr.svg")
    assert svg["Content-Type"] == "image/svg+xml"
    assert client.get(f"{PAGE}links/gate-3/qr.png").content.startswith(b"\x89PNG")
    assert "conf/summit?_s=gate-3" in client.get(f"{PAGE}links/gate-3/poster/").content.decode()
    taken = client.post(f"{PAGE}new/", {"label": "Again", "code": "gate-3"})
    assert "taken" in str(taken.context["form"].errors["code"])


def test_a_links_page_lists_whom_it_brought(conference: Conference, alice: User, browser: Browser) -> None:
    build_branch(conference)
    page = browser(alice).get(f"{PAGE}links/adaA1/")
    assert [item["person"].name for item in page.context["brought"]] == ["Dan Damm", "Ben Bach"]
    assert page.context["below"] == 1


def test_owners_void_a_link_and_undo_it(
    conference: Conference, alice: User, bob: User, browser: Browser
) -> None:
    build_branch(conference)
    path = f"{PAGE}links/benB1/void/"
    assert browser(bob).post(path, {"kind": "link", "reason": "test"}).status_code == 403
    client = browser(alice)
    client.post(path, {"kind": "link", "reason": ""})
    assert not Void.objects.exists()
    client.post(path, {"kind": "link", "reason": "bought clicks"})
    # The tests' transaction holds back what follows a commit.
    from sharing.services.voiding import apply_decisions

    apply_decisions()
    assert ShareLink.objects.get(code="benB1").is_void
    assert "bought clicks" in client.get(f"{PAGE}links/benB1/").content.decode()
    client.post(path, {"kind": "link", "undo": "1"})
    apply_decisions()
    assert not ShareLink.objects.get(code="benB1").is_void


def test_what_is_not_credited_has_its_reason(conference: Conference, alice: User, browser: Browser) -> None:
    build_branch(conference)
    store(
        opened("nobody1", "eva", at=1),
        {"event_id": "r1", "type": "registration", "ts": NOON, "visitor_id": "eva", "registration_id": "e1",
         "share_code": "nobody1"},
    )  # fmt: skip
    store(opened("nobody2", "evan", at=10))
    registered(conference, "Evan Ebner", "evan", at=11)
    html = browser(alice).get(f"{PAGE}not-credited/").content.decode()
    assert "no such code in this conference" in html
    evan = Registration.objects.get(name="Evan Ebner")
    assert f'<a href="/console/c/summit/people/{evan.id}/">Evan Ebner</a>' in html
    assert (
        "no such code"
        not in browser(alice)
        .get(f"{PAGE}not-credited/", {"reason": "bot"})
        .content.decode()
        .split("<tbody>")[-1]
        .split("</select>")[-1]
    )


@pytest.mark.parametrize("query", ["root=none1", "model=none", "root=%2F"])
def test_an_address_that_names_nothing_is_404(
    conference: Conference, alice: User, browser: Browser, query: str
) -> None:
    assert browser(alice).get(f"{PAGE}?{query}").status_code == 404


def test_credit_models_stand_beside_the_distinct_total(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    full = browser(alice).get(PAGE).context["leaders"]
    linear = browser(alice).get(PAGE, {"model": "linear"}).context["leaders"]
    assert (full["whole"], linear["whole"]) == (4, 3)
    assert sum(row["credit"] for row in linear["rows"]) == pytest.approx(3)


def test_markup_in_names_stays_text(conference: Conference, alice: User, browser: Browser) -> None:
    conference.name = "<script>alert(1)</script>"
    conference.save()
    store(share("mark1", "<b>v</b>", at=0, channel="<i>x</i>"))
    html = browser(alice).get(PAGE).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<i>x</i>" not in html
    assert "&lt;i&gt;x&lt;/i&gt;" in html
