import datetime as dt

import pytest

from visuspace.dates import format_days, format_moment, format_short_moment, name_zone


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("starts", "ends", "english", "chinese"),
    [
        ("2026-11-26T01:00Z", None, "26 November 2026", "2026年11月26日"),
        ("2026-11-26T01:00Z", "2026-11-26T09:00Z", "26 November 2026", "2026年11月26日"),
        ("2026-11-26T01:00Z", "2026-11-27T09:00Z", "26–27 November 2026", "2026年11月26日–27日"),
        (
            "2026-11-30T01:00Z", "2026-12-01T09:00Z",
            "30 November – 1 December 2026", "2026年11月30日 – 12月1日",
        ),
        (
            "2026-12-31T01:00Z", "2027-01-01T09:00Z",
            "31 December 2026 – 1 January 2027", "2026年12月31日 – 2027年1月1日",
        ),
        ("2026-11-26T01:00Z", "2026-11-26T16:00Z", "26 November 2026", "2026年11月26日"),  # midnight there
        ("2026-11-25T16:00Z", None, "26 November 2026", "2026年11月26日"),
    ],
)  # fmt: skip
def test_days_are_local_and_short(starts: str, ends: str | None, english: str, chinese: str) -> None:
    for language, expected in (("en", english), ("zh-hans", chinese)):
        days = format_days(at(starts), at(ends) if ends else None, zone="Asia/Shanghai", language=language)
        assert days == expected


def test_moments_are_local_in_both_languages() -> None:
    moment = at("2026-11-26T01:00Z")
    written = [
        (
            format_moment(moment, zone=zone, language=language),
            format_short_moment(moment, zone=zone, language=language),
        )
        for zone, language in (("Asia/Shanghai", "en"), ("America/New_York", "zh-hans"))
    ]
    assert written == [
        ("Thursday 26 November 2026, 09:00", "26 November, 09:00"),
        ("2026年11月25日星期三 20:00", "11月25日 20:00"),
    ]


def test_zones_are_named_by_their_place() -> None:
    assert name_zone("Asia/Shanghai", language="en") == "Shanghai"
    assert name_zone("Asia/Shanghai", language="zh-hans") == "上海"
    assert name_zone("UTC", language="en") == "UTC"
