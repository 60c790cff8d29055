"""UTM parameters, wherever an address has them."""

import pytest

from analytics.context.campaigns import read_utm

EXPECTED = {"utm_source": "wechat", "utm_campaign": "early bird"}


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/?utm_source=wechat&utm_campaign=early+bird",
        "https://x.example/?a=1&utm_source=wechat&utm_campaign=early%20bird#top",
        "https://x.example/#/agenda?utm_source=wechat&utm_campaign=early%20bird",
        "https://x.example/#utm_source=wechat&utm_campaign=early%20bird",
        "https://x.example/?UTM_Source=wechat&UTM_CAMPAIGN=early%20bird",
        "https://x.example/?utm%5Fsource=wechat&utm%5fcampaign=early%20bird",
        "https://x.example/?%75tm_source=wechat&u%54m_campaign=early%20bird",
        "https://x.example/?utm_source=wechat&amp;utm_campaign=early%20bird",
        "https://x.example/?day=2?utm_source=wechat&utm_campaign=early%20bird",
        "https://x.example/#/a?b=1?UTM_source=wechat&utm_campaign=early%20bird",
        "https://x.example/?utm_source=wechat?utm_campaign=early%20bird",
        "https://x.example/?utm_source%3Dwechat%26utm_campaign%3Dearly%2520bird",
        "/agenda?utm_source=wechat&utm_campaign=early%20bird",
        "https://x.example/?utm_source=wechat%00&utm_campaign=early%20bird",
        "https://x.example/?utm_source=wechat&utm_source=&utm_campaign=%20early%20bird%20",
        "https://x.example/?utm_source=wechat&utm_campaign=early%20bird&utm_term=",
    ],
)
def test_parameters_are_found(url: str) -> None:
    assert read_utm(url) == EXPECTED


def test_the_query_goes_before_the_fragment() -> None:
    assert read_utm("https://x.example/?utm_source=a#/b?utm_source=b") == {"utm_source": "a"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://x.example/",
        "https://x.example/?utm_sourced=a&utm=b",
        "https://[::1/?utm_source=a",
        "https://x.example/?%E6%9C%83=%E8%AD%B0",
        "utm_source",
    ],
)
def test_other_addresses_have_none(url: str) -> None:
    assert read_utm(url) == {}


def test_a_question_mark_in_a_value_stays() -> None:
    assert read_utm("https://x.example/?utm_content=what?&utm_term=a%3Futm_b") == {
        "utm_content": "what?", "utm_term": "a?utm_b",
    }  # fmt: skip


def test_values_are_cut() -> None:
    assert read_utm(f"https://x.example/?utm_source={'x' * 2000}") == {"utm_source": "x" * 512}
