"""The address of MongoDB: options that would break a promise are refused at the start, by name."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from meeteasy.mongodb_settings import read_mongodb_settings


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("w=0", "w=0"),
        ("w=1", "w=1"),
        ("journal=false", "journal=False"),
        ("readPreference=secondaryPreferred", "readPreference=secondaryPreferred"),
        ("readPreferenceTags=dc:east", "readPreferenceTags"),
        ("maxStalenessSeconds=120", "maxStalenessSeconds"),
        ("directConnection=true", "directConnection=True"),
        ("readConcernLevel=available", "readConcernLevel=available"),
        ("retryWrites=false", "retryWrites=False"),
        ("socketTimeoutMS=600000", "socketTimeoutMS"),
        ("timeoutMS=60000", "timeoutMS"),
    ],
)
def test_options_that_break_promises_are_refused_by_name(options: str, named: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"(?i){named}"):
        read_mongodb_settings(f"mongodb://127.0.0.1/?{options}", "")


@pytest.mark.parametrize(
    "options",
    ["", "w=majority&journal=true", "readPreference=primary&retryWrites=true", "replicaSet=rs0"],
)
def test_an_address_that_keeps_the_promises_is_taken(options: str) -> None:
    entry = read_mongodb_settings(f"mongodb://127.0.0.1/?{options}", "")

    assert entry["OPTIONS"]["w"] == "majority"
    assert entry["OPTIONS"]["readPreference"] == "primary"
    assert entry["OPTIONS"]["timeoutMS"] == 10_000


@pytest.mark.parametrize(
    ("address", "variable", "name"),
    [
        ("", "", "meeteasy"),
        ("events", "", "events"),
        ("", "events", "events"),
        ("events", "events", "events"),
    ],
)
def test_the_database_name_may_be_in_the_address(address: str, variable: str, name: str) -> None:
    assert read_mongodb_settings(f"mongodb://127.0.0.1/{address}", variable)["NAME"] == name


def test_two_names_of_the_database_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="name it once"):
        read_mongodb_settings("mongodb://127.0.0.1/one", "another")


def test_an_invalid_address_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="not an address"):
        read_mongodb_settings("http://127.0.0.1", "")
