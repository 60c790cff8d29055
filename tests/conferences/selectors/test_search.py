"""Searching people by names and numbers, however they are typed."""

from unittest.mock import Mock

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.state import ProjectState
from django.test import Client

from conferences.models import Conference, Registration
from conferences.services.registrations import register
from meeteasy.core.folding import fold, fold_digits
from meeteasy.core.migrations import fold_again
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

URL = "/api/conferences/summit/registrations"
PEOPLE = {
    "José Álvarez": "jose@example.com",
    "STRAẞE Müller": "mueller@example.de",
    "İpek Işık": "ipek@example.com",
    "Łukasz Søren": "lukasz@example.pl",
    "张伟": "zhang@example.cn",
    "Ольга Ёлкина": "olga@example.ru",
    "50% _off_": "percent@example.com",
    "李 小龙": "lee@example.com",
    "欧阳娜娜": "nana@example.com",
    "约翰·史密斯": "smith@example.com",
    "山田　太郎": "taro@example.jp",
    "김 철수": "kim@example.kr",
    "Siobhán O’Neill‑Ray": "siobhan@example.ie",
    "Anne  Marie ٢": "anne@example.com",
    "محمـــد": "mohamed@example.eg",
    "ΟΔΥΣΣΕΥΣ": "odysseus@example.gr",
}


@pytest.fixture
def people(conference: Conference) -> None:
    for name, email in PEOPLE.items():
        register(conference=conference, name=name, email=email, phone="+8613800138000")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jose", "José Álvarez"),
        ("JOSÉ", "José Álvarez"),
        ("jose\u0301 alvarez", "José Álvarez"),
        ("álva", "José Álvarez"),
        ("strasse", "STRAẞE Müller"),
        ("muller", "STRAẞE Müller"),
        ("MUELLER@EXAMPLE", "STRAẞE Müller"),
        ("ipek isik", "İpek Işık"),
        ("IPEK", "İpek Işık"),
        ("lukasz soren", "Łukasz Søren"),
        ("ｌｕｋａｓｚ", "Łukasz Søren"),
        ("张", "张伟"),
        ("елкина", "Ольга Ёлкина"),
        ("ЁЛКИНА", "Ольга Ёлкина"),
        ("50%", "50% _off_"),
        ("_off_", "50% _off_"),
        ("李小龙", "李 小龙"),
        ("李 小龙", "李 小龙"),
        ("李　小龙", "李 小龙"),
        ("李小", "李 小龙"),
        ("欧阳 娜娜", "欧阳娜娜"),
        ("欧阳　娜娜", "欧阳娜娜"),
        ("约翰史密斯", "约翰·史密斯"),
        ("约翰 史密斯", "约翰·史密斯"),
        ("山田太郎", "山田　太郎"),
        ("김철수", "김 철수"),
        ("김 철수", "김 철수"),
        ("o'neill-ray", "Siobhán O’Neill‑Ray"),
        ("O‘NEILL—RAY", "Siobhán O’Neill‑Ray"),
        ("anne marie 2", "Anne  Marie ٢"),
        ("\u202aanne\u00a0ma\u00adrie\u202c", "Anne  Marie ٢"),
        ("محمد", "محمـــد"),
        ("οδυσσευς", "ΟΔΥΣΣΕΥΣ"),
        ("Οδυσσεύσ", "ΟΔΥΣΣΕΥΣ"),
    ],
)
def test_case_accents_and_composition_make_no_difference(
    people: None, bob: User, api: Api, text: str, name: str
) -> None:
    found = api(bob).get(URL, {"q": text}).json()["results"]
    assert [registration["name"] for registration in found] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "138 0013",
        "138-0013-8000",
        "+86 138 0013 8000",
        "１３８ ００１３",
        "13800138000",
        "138‑0013",
        "١٣٨ ٠٠١٣",
        "\u202a+86 138 0013 8000\u202c",
        "0086 138 0013 8000",
        "(0)138 0013",
    ],
)
def test_digits_find_a_phone_however_they_are_grouped(
    conference: Conference, bob: User, api: Api, admin_client: Client, text: str
) -> None:
    register(conference=conference, name="Ann", email="ann@example.com", phone="+8613800138000")
    register(conference=conference, name="Ben", email="ben@example.com", phone="+8613900139000")
    found = api(bob).get(URL, {"q": text}).json()["results"]
    assert [registration["name"] for registration in found] == ["Ann"]
    page = admin_client.get("/admin/conferences/registration/", {"q": text})
    assert [registration.name for registration in page.context["cl"].result_list] == ["Ann"]


@pytest.mark.parametrize("text", ["\u0301", "%", "x" * 254, "off_5", "nobody", "lukaszsoren", "龙 lee"])
def test_unmatched_texts_find_nothing(people: None, bob: User, api: Api, text: str) -> None:
    expected = ["50% _off_"] if text == "%" else []
    found = api(bob).get(URL, {"q": text}).json()["results"]
    assert [registration["name"] for registration in found] == expected


def test_text_without_a_number_has_no_digits() -> None:
    assert fold_digits("room 12") == ""
    assert fold_digits("(020) 7946-0958") == "02079460958"
    assert fold("Ｓｔｒａße") == fold("STRASSE") == "strasse"


@pytest.mark.parametrize(
    "text", ["李 小龙", "約翰・史密斯", "ｶﾞﾝ ﾀﾞﾑ", "김 철수", "Ann Li 李 明", "İpek\n李 明\n+1"]
)
def test_what_is_folded_stays_when_folded_again(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_only_gaps_inside_one_script_go() -> None:
    assert fold("Ann  Li 李 明 B") == "ann li 李明 b"
    assert fold("李\n明") == "李\n明"


def test_stored_texts_are_folded_again_on_an_upgrade(people: None) -> None:
    Registration.objects.filter(name="李 小龙").update(search_text="李 小龙\nlee@example.com\n")
    step = fold_again("conferences", "Registration", "search_text")
    step.code(ProjectState.from_apps(apps).apps, Mock(connection=connection))
    assert Registration.objects.get(name="李 小龙").search_text == "李小龙\nlee@example.com\n"


def test_imported_people_are_searchable(conference: Conference, bob: User, api: Api) -> None:
    from conferences.services.importing import import_registrations

    import_registrations(
        conference=conference, content="name,email\nÉmile,e@example.com".encode(), dry_run=False
    )
    assert api(bob).get(URL, {"q": "emile"}).json()["results"]
    assert Registration.objects.get().search_text
