"""Email addresses: which are equal, and how they are sent."""

import pytest

from meeteasy.core.addresses import normalise_email, to_ascii_domain, to_wire


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.com", "ann@example.com"),
        ("ann@example.com.", "ann@example.com"),  # the root's dot
        ("s@STRAßE.example", "s@straße.example"),
        ("s@xn--strae-oqa.example", "s@straße.example"),
        ("x@例え.jp", "x@xn--r8jz45g.jp"),
        ("x@例え。jp", "x@例え.jp"),  # the ideographic full stop
        ("ann@ｅｘａｍｐｌｅ.com", "ann@example.com"),
        ("e\u0301mile@example.com", "émile@example.com"),
        ("İ@example.com", "i@example.com"),
    ],
)
def test_spellings_of_one_address_are_equal(one: str, other: str) -> None:
    assert normalise_email(one) == normalise_email(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s@straße.example", "s@strasse.example"),  # IDNA 2003 and casefold() make them one
        ("straße@example.com", "strasse@example.com"),
        ("σας@example.com", "σασ@example.com"),
        ("a@ς.example", "a@σ.example"),
    ],
)
def test_different_addresses_stay_different(one: str, other: str) -> None:
    assert normalise_email(one) != normalise_email(other)


@pytest.mark.parametrize("local", ["İ" * 60, "ŉ" * 30, "Σ" * 64])
def test_lower_case_adds_no_characters(local: str) -> None:
    assert len(normalise_email(f"{local}@example.com")) <= len(f"{local}@example.com")


def test_a_domain_goes_over_the_wire_by_idna_2008() -> None:
    assert to_wire("s@straße.example") == "s@xn--strae-oqa.example"
    assert to_ascii_domain("ΒΌΛΟΣ.example.") == to_ascii_domain("βόλοσ.example")


@pytest.mark.parametrize("domain", ["", ".", "a..b", "-a-.com", "a b.com", "x" * 64 + ".com", "\u200d.com"])
def test_an_invalid_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        to_ascii_domain(domain)


@pytest.mark.parametrize("text", ["", "@", "no address", "a@b@", "@x", "a@-x-.com"])
def test_even_invalid_addresses_can_be_compared(text: str) -> None:
    assert normalise_email(text) == normalise_email(normalise_email(text))
