"""The text that a person's name may contain."""

import pytest

from meeteasy.core.names import has_web_address, strip_invisible


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example/win",
        "Ann http://evil.example",
        "HTTPS://EVIL.EXAMPLE",
        "ftp://x",
        "tg://resolve?domain=x",
        "www.evil.example",
        "Visit WWW.evil.top now",
        "evil.com",
        "Win 500 € at evil.com!",
        "evil.com.",
        "evil.co/free",
        "t.me/evil",
        "bit.ly/3xYz",
        "dora@evil.com",
        "evil。com",  # the ideographic full stop
        "ｅｖｉｌ．ｃｏｍ",
        "evil\u200b.com",
        "ev\u00adil.cn",
        "加我 evil.cn 领奖",
        "点击evil.xyz",
    ],
)
def test_a_name_with_a_web_address_is_found(name: str) -> None:
    assert has_web_address(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ann Lee", "张伟", "J.R.R. Tolkien", "Dr.med. Müller", "St.John Smith", "Wei.Li", "Mary-Ann O'Neill",
        "Anne/Marie", "Prof. Dr. h.c. mult. Ann", "María José", "José M. de la Cruz", "Sammy Davis Jr.",
        "Ng.Linh", "A.I. Kim", "Com Net", "名前。鈴木", "Иван И. Иванов", "Smith, John (Acme Inc.)",
        "Dr.de Vries", "Anna.In Ho", "M.Sc. Ann",
    ],
)  # fmt: skip
def test_a_name_with_dots_is_a_name(name: str) -> None:
    assert not has_web_address(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u200bAnn\u200b", "Ann"),
        ("\u3164", ""),
        ("\u202eevil", "evil"),
        ("A\u2066n\u2069n", "Ann"),
        ("\ufeffAnn\u00ad", "Ann"),
        ("\U000e0041Ann", "Ann"),
        ("\u2800\u115f", ""),
        ("\u200d\u200d", ""),
        ("Ann \u200d", "Ann"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),  # Persian needs its non-joiner
        ("👩\u200d💻", "👩\u200d💻"),
        ("क्\u200dष", "क्\u200dष"),
        ("葛\U000e0100城", "葛\U000e0100城"),  # a variant of the character in this person's name
        ("❤\ufe0f", "❤\ufe0f"),
    ],
)
def test_invisible_characters_are_removed(text: str, shown: str) -> None:
    assert strip_invisible(text) == shown
