"""The API of links, tree and credits. Alice owns the conference, Bob helps, Charlie is a stranger."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signing import Signer
from django.test import override_settings
from rest_framework.test import APIClient

from analytics import store
from analytics.days.zones import local_date
from conferences import services
from conferences.models import Conference
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from sharing.models import ShareLink
from sharing.rules.credit_models import CREDIT_MODELS
from sharing.selectors import figures
from tests.sharing.cast import credits_of, opened, refusals_of, registered, row, share

Api = Callable[[User | None], APIClient]

pytestmark = pytest.mark.django_db


def happen(*events: dict[str, Any]) -> None:
    apply_facts(read_facts([row(sent) for sent in events]))


@pytest.fixture
def story(conference: Conference) -> None:
    """A shares, B opens and shares on, C opens and registers."""
    happen(
        share(1, "va", "aaaaaaaaaaaaaaaa", channel="wechat"),
        opened(2, "vb", "aaaaaaaaaaaaaaaa"),
        share(3, "vb", "bbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaa", channel="mail"),
        opened(4, "vc", "bbbbbbbbbbbbbbbb"),
        registered(5, "vc", "r-c"),
    )


def get(client: APIClient, path: str, **params: Any) -> Any:
    response = client.get(f"/api/sharing/{path}", {"conference_id": "summit", **params})
    assert response.status_code == 200, response.content
    return response.json()


def download(response: Any) -> bytes:
    """The whole content of a streamed answer."""
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    "path",
    ["links", "tree", "leaderboard", "channels", "conversions", "conversions/r-c", "not-credited", "k-factor",
     "links/aaaaaaaaaaaaaaaa", "links/aaaaaaaaaaaaaaaa/qr.svg"],
)  # fmt: skip
def test_strangers_and_anonymous_users_get_nothing(story: None, api: Api, charlie: User, path: str) -> None:
    query = {"conference_id": "summit"}
    assert api(charlie).get(f"/api/sharing/{path}", query).status_code == 404
    assert api(None).get(f"/api/sharing/{path}", query).status_code == 401


@pytest.mark.parametrize("path", ["links/same", "tree?root=same", "conversions/r-c", "links", "not-credited"])
def test_organizers_see_only_their_own_conferences(story: None, api: Api, charlie: User, path: str) -> None:
    services.create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    happen(share(1, "va", "same"), opened(2, "x", "none"), registered(3, "x"))
    path, _, query = path.partition("?")
    client = api(charlie)
    params = dict(item.split("=") for item in query.split("&") if item)
    assert client.get(f"/api/sharing/{path}", {"conference_id": "summit", **params}).status_code == 404
    theirs = client.get(f"/api/sharing/{path}", {"conference_id": "other", **params})
    assert theirs.status_code == 404 or theirs.json() == {"results": [], "next": None}
    assert client.get("/api/sharing/links/same").status_code == 404


def test_a_code_in_several_conferences_needs_a_conference_id(
    story: None, api: Api, alice: User, bob: User
) -> None:
    services.create_conference(owner=alice, id="other", name="Other", time_zone="UTC")
    happen(share(1, "va", "same"), share(1, "vo", "same", conference_id="other"))
    unclear = api(alice).get("/api/sharing/links/same")
    assert unclear.status_code == 400
    assert "conference_id" in unclear.json()["error"]["details"]
    for conference_id, sharer in (("summit", "va"), ("other", "vo")):
        said = api(alice).get("/api/sharing/links/same", {"conference_id": conference_id})
        assert said.json()["sharer"] == sharer
    assert (
        api(bob).get("/api/sharing/links/same").json()["sharer"] == "va"
    )  # it is in only one of his conferences


def test_the_tree_has_levels_with_counts(story: None, api: Api, bob: User) -> None:
    answer = get(api(bob), "tree", depth=2)
    assert answer["totals"] == {"share_conversions": 1, "registrations_reported": 1}
    (root,) = answer["results"]
    assert (root["code"], root["child_count"], root["opens"], root["openers"]) == ("a" * 16, 1, 1, 1)
    assert (root["direct"], root["assisted"]) == (0, 1)
    assert (root["subtree_links"], root["subtree_conversions"]) == (1, 1)
    (child,) = root["children"]
    assert (child["code"], child["parent"], child["direct"]) == ("b" * 16, "a" * 16, 1)
    below = get(api(bob), "tree", root="b" * 16)
    assert [link["code"] for link in below["path"]] == ["a" * 16, "b" * 16]
    assert below["results"] == []


def test_a_level_has_pages_with_busiest_links_first(conference: Conference, api: Api, alice: User) -> None:
    happen(*(share(number, f"v{number}", f"code{number}") for number in range(7)))
    happen(opened(10, "x", "code5"), registered(11, "x"), opened(10, "y", "code3"), registered(11, "y"))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(api(alice), "tree", page_size=3, cursor=cursor)
        seen += [link["code"] for link in page["results"]]
        cursor = page["next"]
    assert seen == ["code3", "code5", "code0", "code1", "code2", "code4", "code6"]


@pytest.mark.parametrize("cursor", ["x", "!!!", "WzFd", "é"])
def test_an_invalid_cursor_is_rejected(story: None, api: Api, alice: User, cursor: str) -> None:
    for path in ("tree", "links", "conversions"):
        response = api(alice).get(f"/api/sharing/{path}", {"conference_id": "summit", "cursor": cursor})
        assert response.status_code == 400
        assert "cursor" in response.json()["error"]["details"]


@pytest.mark.parametrize("model", list(CREDIT_MODELS))
def test_every_view_of_credits_shows_the_distinct_total(
    story: None, api: Api, alice: User, model: str
) -> None:
    answer = get(api(alice), "conversions", model=model)
    totals = {"share_conversions": 1, "registrations_reported": 1}
    assert answer["totals"] == {**totals, "credits": 2}
    (conversion,) = answer["results"]
    assert conversion["is_reported"]
    assert [(item["sharer"], item["kind"]) for item in conversion["credits"]] == [
        ("vb", "direct"),
        ("va", "assisted"),
    ]
    total = sum(item["credit"] for item in conversion["credits"])
    assert total == pytest.approx(1 if CREDIT_MODELS[model].is_fractional else 2)
    board = get(api(alice), "leaderboard", model=model)
    assert board["totals"] == {**totals, "credits": 2}
    assert sum(item["credit"] for item in board["results"]) == pytest.approx(total)
    channels = get(api(alice), "channels", model=model)["results"]
    assert {item["channel"] for item in channels} == {"wechat", "mail"}
    assert sum(item["credit"] for item in channels) == pytest.approx(total)


def test_a_confirmed_registration_is_no_longer_only_reported(story: None, api: Api, alice: User) -> None:
    happen(registered(6, "vc", "r-c", event_id="own:reg:r-c"), opened(7, "vd", "a" * 16), registered(8, "vd"))
    for path in ("tree", "leaderboard", "channels", "conversions"):
        totals = get(api(alice), path)["totals"]
        assert (totals["share_conversions"], totals["registrations_reported"]) == (2, 1), path
    flags = {row["registration_id"]: row["is_reported"] for row in get(api(alice), "conversions")["results"]}
    assert flags == {"r-c": False, "r-vd": True}


def test_an_unknown_model_is_rejected(story: None, api: Api, alice: User) -> None:
    response = api(alice).get("/api/sharing/conversions", {"conference_id": "summit", "model": "magic"})
    assert response.status_code == 400


def test_a_registration_path_shows_why_codes_lack_credit(story: None, api: Api, alice: User) -> None:
    happen(share(1, "elsewhere", "ffffffffffffffff", conference_id="other"))
    happen(opened(6, "vd", "ffffffffffffffff"), opened(5.5, "vd", "aaaa0000"), registered(7, "vd", "r-d"))
    answer = get(api(alice), "conversions/r-d")
    assert answer["credits"] == []
    assert {(item["code"], item["reason"]) for item in answer["not_credited"]} == {
        ("ffffffffffffffff", "foreign_code"),
        ("aaaa0000", "unknown_code"),
    }
    missing = api(alice).get("/api/sharing/conversions/nobody", {"conference_id": "summit"})
    assert missing.status_code == 404


@pytest.mark.parametrize("most_by_time", [0, 20_000], ids=["by sharer", "by time"])
def test_the_k_factor_divides_registrations_by_sharers(
    story: None, api: Api, alice: User, most_by_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "_MOST_BY_TIME", most_by_time)
    assert get(api(alice), "k-factor") == {"share_conversions": 1, "sharers": 2, "k_factor": 0.5}
    happen(share(24 * 60, "vd", "dddd"), share(25 * 60, "vd", "eeee"), share(26 * 60, "vb", "ffff"))
    happen(opened(27 * 60, "ve", "dddd"), registered(28 * 60, "ve"))
    happen(*(registered(29 * 60, f"direct{n}") for n in range(3)))
    second = get(api(alice), "k-factor", **{"from": "2026-05-02", "to": "2026-05-02"})
    assert second == {"share_conversions": 1, "sharers": 2, "k_factor": 0.5}
    from_second = get(api(alice), "k-factor", **{"from": "2026-05-02"})
    assert from_second == second
    both = get(api(alice), "k-factor", **{"to": "2026-05-02"})
    assert both == {"share_conversions": 2, "sharers": 3, "k_factor": 2 / 3}
    empty = get(api(alice), "k-factor", **{"from": "2020-01-01", "to": "2020-01-02"})
    assert empty == {"share_conversions": 0, "sharers": 0, "k_factor": None}


def test_the_timeline_counts_by_local_day(story: None, api: Api, alice: User) -> None:
    rows = [row(opened(2, "vb", "aaaaaaaaaaaaaaaa"))]
    rows[0].local_date = local_date("Asia/Shanghai", rows[0].ts_ms)
    store.insert_new(rows)
    # 2026-05-01T01:47Z is 09:47 in Shanghai.
    days = get(api(alice), "timeline", **{"from": "2026-04-30", "to": "2026-05-01"})["results"]
    assert days == [
        {"date": "2026-04-30", "shares": 0, "opens": 0, "share_conversions": 0},
        {"date": "2026-05-01", "shares": 2, "opens": 1, "share_conversions": 1},
    ]


def test_a_minted_link_always_keeps_its_owner(conference: Conference, api: Api, bob: User) -> None:
    body = {"conference_id": "summit", "label": "Poster at gate 3", "channel": "poster"}
    made = api(bob).post("/api/sharing/links", body, format="json")
    assert made.status_code == 201
    link = made.json()
    assert (link["label"], link["minted"], link["sharer"]) == ("Poster at gate 3", True, f"user:{bob.pk}")
    assert link["url"].endswith(f"/conf/summit?_s={link['code']}")
    happen(share(-100_000, "mallory", link["code"]))  # long before it was minted
    kept = ShareLink.objects.get(code=link["code"])
    assert (kept.sharer, kept.sharer_user, kept.is_contested) == (f"user:{bob.pk}", bob, True)
    assert get(api(bob), "links", search="gate 3")["results"][0]["code"] == link["code"]


def test_browsers_cannot_act_as_a_minted_links_owner(conference: Conference, api: Api, bob: User) -> None:
    made = api(bob).post("/api/sharing/links", {"conference_id": "summit"}, format="json").json()
    later = 10_000_000  # minutes: after the minting, which has the real time
    happen(share(1, "mallory", "mine"), share(later, f"user:{bob.pk}", made["code"], "mine"))
    happen(opened(later + 1, "x", made["code"]), registered(later + 2, "x"))
    link = ShareLink.objects.get(code=made["code"])
    assert (link.parent, link.is_contested) == (None, True)
    assert credits_of("r-x") == [made["code"]]


def test_a_taken_code_cannot_be_minted(story: None, api: Api, alice: User) -> None:
    body = {"conference_id": "summit", "code": "aaaaaaaaaaaaaaaa"}
    response = api(alice).post("/api/sharing/links", body, format="json")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "code_taken")


@pytest.mark.parametrize("code", ["abc", "a" * 17, "with space", "späti", "a/b/c", "s.abcd"])
def test_a_malformed_code_cannot_be_minted(conference: Conference, api: Api, alice: User, code: str) -> None:
    body = {"conference_id": "summit", "code": code}
    assert api(alice).post("/api/sharing/links", body, format="json").status_code == 400


def test_only_the_signed_code_of_a_signed_link_counts(conference: Conference, api: Api, alice: User) -> None:
    body = {"conference_id": "summit", "signed": True}
    link = api(alice).post("/api/sharing/links", body, format="json").json()
    code, public = link["code"], link["public_code"]
    assert public.startswith(code)
    assert len(public) <= 64
    later = 10_000_000  # minutes: after the minting, which has the real time
    forged = public[:-1] + ("A" if public[-1] != "A" else "B")
    with override_settings(SECRET_KEY="the next one", SECRET_KEY_FALLBACKS=["only-for-tests"]):
        happen(
            opened(later, "good", public),
            opened(later, "forger", forged),
            opened(later, "bare", code),
            *(registered(later + 1, name) for name in ("good", "forger", "bare")),
        )
        assert Signer(salt="sharing.codes:summit", sep=".").sign(code) != public
    assert credits_of("r-good") == [code]
    assert credits_of("r-forger") == credits_of("r-bare") == []
    assert {reason for _, reason in refusals_of("r-forger") | refusals_of("r-bare")} == {"malformed_code"}


def test_sharing_a_forged_signed_code_creates_no_link(conference: Conference, api: Api, alice: User) -> None:
    body = {"conference_id": "summit", "signed": True}
    public = api(alice).post("/api/sharing/links", body, format="json").json()["public_code"]
    forged = public[:-1] + ("A" if public[-1] != "A" else "B")
    happen(share(1, "forger", forged), share(2, "va", "aaaa", forged))
    happen(opened(3, "x", forged), registered(4, "x"))
    assert ShareLink.objects.get(is_minted=False).claimed_parent == ""
    assert credits_of("r-x") == []
    assert {reason for _, reason in refusals_of("r-x")} == {"malformed_code"}


def test_a_chain_may_hold_a_signed_code(conference: Conference, api: Api, alice: User) -> None:
    body = {"conference_id": "summit", "signed": True}
    link = api(alice).post("/api/sharing/links", body, format="json").json()
    later = 10_000_000
    happen(opened(later, "x", link["public_code"], attribution_chain=[link["public_code"]]))
    happen(registered(later + 1, "x"))
    assert credits_of("r-x") == [link["code"]]
    assert refusals_of("r-x") == set()


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("links/a%00b", {}, 404),
        ("links/aaaa", {"conference_id": "a\0b"}, 400),
        ("conversions/a%00b", {"conference_id": "summit"}, 404),
        ("leaderboard", {"conference_id": "summit", "from": "0001-01-01"}, 400),
        ("timeline", {"conference_id": "summit", "from": "9999-12-01", "to": "9999-12-31"}, 400),
    ],
)
def test_unstorable_values_get_an_error(
    conference: Conference, api: Api, alice: User, path: str, query: dict[str, str], status: int
) -> None:
    assert api(alice).get(f"/api/sharing/{path}", query).status_code == status


def test_deep_and_wide_trees_are_read_in_pages(
    conference: Conference, api: Api, alice: User, django_assert_max_num_queries: Any
) -> None:
    chain = [share(n, f"v{n}", f"deep{n:04}", f"deep{n - 1:04}" if n else "") for n in range(1000)]
    happen(*reversed(chain))
    happen(*(share(2000, f"w{n}", f"wide{n:05}", "deep0999") for n in range(3000)))
    happen(opened(3000, "x", "wide00007"), registered(3001, "x"))
    assert len(credits_of("r-x")) == 100
    assert refusals_of("r-x") == {("deep0900", "beyond_depth")}
    client = api(alice)
    with django_assert_max_num_queries(12):
        answer = get(client, "tree", root="deep0999", page_size=100)
    assert len(answer["results"]) == 100
    assert answer["results"][0]["code"] == "wide00007"
    way = [link["code"] for link in answer["path"]]
    while (topmost := answer["path"][0])["parent"] is not None:  # one part at a time
        assert len(answer["path"]) == 100
        answer = get(client, "tree", root=topmost["parent"])
        way = [link["code"] for link in answer["path"]] + way
    assert way == [f"deep{number:04}" for number in range(1000)]
    with django_assert_max_num_queries(25):
        deep = get(client, "tree", depth=10)
    assert deep["results"][0]["subtree_links"] == 3999
    for path, count in (("links", 4000), ("conversions", 100)):
        response = client.get(f"/api/sharing/{path}", {"conference_id": "summit", "format": "csv"})
        assert download(response).count(b"\n") == count + 1
