"""Mail addresses and phone numbers: real ones and unreachable ones."""

import pytest
from django.core.exceptions import ValidationError

from conferences.contact import clean_email, clean_phone
from meeteasy.core.addresses import to_wire


@pytest.mark.parametrize(
    ("given", "kept", "sent_to"),
    [
        ("s@straße.example", "s@straße.example", "s@xn--strae-oqa.example"),
        ("s@STRASSE.example", "s@strasse.example", "s@strasse.example"),
        ("s@xn--strae-oqa.example", "s@straße.example", "s@xn--strae-oqa.example"),
        ("ann@example.com.", "ann@example.com", "ann@example.com"),
        ("ann@faß.de", "ann@faß.de", "ann@xn--fa-hia.de"),
        ("ann@βόλος.com", "ann@βόλος.com", "ann@xn--nxasmm1c.com"),
        ("张伟@例子.测试", "张伟@例子.测试", "张伟@xn--fsqu00a.xn--0zwm56d"),
        ("İpek@example.com", "ipek@example.com", "ipek@example.com"),
        ("ann@example。com。", "ann@example.com", "ann@example.com"),
        ("\u200bann@example.com\u2060\t", "ann@example.com", "ann@example.com"),  # as copied from a chat
        ("Ａｎｎ＋ｖｉｐ＠ｅｘａｍｐｌｅ．com", "ann+vip@example.com", "ann+vip@example.com"),
    ],
)
def test_domains_follow_idna_2008(given: str, kept: str, sent_to: str) -> None:
    assert clean_email(given) == kept
    assert to_wire(kept) == sent_to


@pytest.mark.parametrize(
    "email",
    [
        "Ⱥ" * 22 + "@example.com",  # 44 octets, but 66 in lower case
        "a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".com",
        "ann@example.com..",
        "ann@.",
        "ann@ex ample.com",
        "ann@" + "ß" * 60 + ".com",
    ],
)
def test_addresses_too_long_in_lower_case_are_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        clean_email(email)


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ("12345", "CN"), ("112", "DE"), ("5550100", "US"), ("110", "CN"), ("95588", "CN"), ("10086", "CN"),
        ("911", "US"), ("116117", "DE"), ("999", "GB"), ("112", "FR"), ("+49112", ""), ("+8612345", ""),
        ("0664123456.0", "AT"), ("0664 1234\n56", "AT"),
        ("+8100777777777777777", ""), ("+491234567890123456", ""), ("400 12", "CN"), ("911", "IN"),
        ("1380013800", "CN"), ("138001380000", "CN"), ("+8613800138000.0", ""),  # mobile, a digit off
        ("+1 900 555 1234", ""), ("0900 1234567", "DE"), ("0909 8790000", "GB"), ("+979 123 456 789", ""),
        ("(123) 456-7890", "US"), ("+1 023 456 7890", ""),  # no area code begins so
    ],
)  # fmt: skip
def test_unreachable_numbers_are_refused(given: str, region: str) -> None:
    with pytest.raises(ValidationError):
        clean_phone(given, region=region)


@pytest.mark.parametrize(
    ("given", "region", "kept"),
    [
        ("138 0013 8000", "CN", "+8613800138000"),
        ("+86 123 4567 8901", "", "+8612345678901"),  # a range that the tables may not have yet
        ("(212) 555-0100", "US", "+12125550100"),
        ("+290 22222", "", "+29022222"),  # Saint Helena: five digits
        ("030 123456", "DE", "+4930123456"),
        ("06\u202f12\u202f34\u202f56\u202f78", "FR", "+33612345678"),  # narrow blanks
        ("\u202a+86\u2009138 0013\u20078000\u202c", "", "+8613800138000"),
    ],
)
def test_reachable_numbers_are_accepted(given: str, region: str, kept: str) -> None:
    assert clean_phone(given, region=region) == kept
