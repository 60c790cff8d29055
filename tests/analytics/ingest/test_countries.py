"""The country of an address, from a file that a setting names."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from analytics.ingest import countries
from analytics.ingest.app import Ingest
from analytics.ingest.countries import Countries
from tests.analytics.ingest.conftest import Door, page_view, read_stream

IN_CHINA, IN_FRANCE = "203.0.113.7", "2001:db8::7"


def write_file(path: Path, records: dict[str, Any], *, ip_version: int = 6) -> str:
    writer = MMDBWriter(ip_version=ip_version, ipv4_compatible=ip_version == 6, database_type="Test-Country")
    for network, record in records.items():
        writer.insert_network(IPSet([str(ip_network(network))]), record)
    writer.to_db_file(str(path))
    return str(path)


@pytest.fixture
def path(tmp_path: Path) -> str:
    records = {"203.0.113.0/24": {"country": {"iso_code": "CN"}}, "2001:db8::/32": {"country_code": "fr"}}
    return write_file(tmp_path / "countries.mmdb", records)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (IN_CHINA, "CN"),
        (f"::ffff:{IN_CHINA}", "CN"),
        (IN_FRANCE, "FR"),
        ("2001:0DB8:0:0::7%eth0", "FR"),
        ("192.0.2.1", ""),
        ("127.0.0.1", ""),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_an_address_has_a_country(path: str, address: str, expected: str) -> None:
    assert Countries(path).find(address) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country": "DE"}, "DE"),
        ({"registered_country": {"iso_code": "DE"}}, "DE"),
        ({"country": {"iso_code": "FR"}, "registered_country": {"iso_code": "DE"}}, "FR"),
        ({"country": "Germany"}, ""),
        ({"continent": "EU"}, ""),
        ("DE", ""),
    ],
)
def test_files_of_all_makers_are_read(tmp_path: Path, record: Any, expected: str) -> None:
    assert Countries(write_file(tmp_path / "a.mmdb", {"203.0.113.0/24": record})).find(IN_CHINA) == expected


def test_a_file_of_ipv4_alone_knows_no_ipv6(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.mmdb", {"203.0.113.0/24": {"country": "CN"}}, ip_version=4)
    assert [Countries(path).find(address) for address in (IN_CHINA, IN_FRANCE)] == ["CN", ""]


def test_a_replaced_file_is_read_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(countries, "_LOOK_SECONDS", 0.0)
    found = Countries(path)
    assert found.find(IN_CHINA) == "CN"
    write_file(Path(path), {"203.0.113.0/24": {"country": {"iso_code": "TW"}}})  # written over in place
    assert found.find(IN_CHINA) == "TW"


@pytest.mark.parametrize("damage", ["missing", "cut", "nonsense"])
def test_an_unreadable_file_costs_only_the_country(
    path: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(countries, "_LOOK_SECONDS", 0.0)
    open_before = Countries(path)
    assert open_before.find(IN_CHINA) == "CN"
    if damage == "missing":
        Path(path).unlink()
    else:
        content = Path(path).read_bytes()
        Path(path).write_bytes(content[:40] if damage == "cut" else b"x" * len(content))
    assert open_before.find(IN_CHINA) == "CN"
    assert Countries(path).find(IN_CHINA) == ""


async def test_events_have_the_country_and_no_address(
    path: str, settings: Any, broker: "redis.Redis[bytes]"
) -> None:
    settings.COUNTRY_DATABASE = path
    ingest = Ingest()
    await ingest.start()
    await Door(ingest).send([page_view()], address=f"::ffff:{IN_CHINA}")
    await ingest.stop()
    (row,) = read_stream()
    assert msgspec.json.decode(row.context) == {
        "browser": "Chrome", "country": "CN", "device": "desktop", "os": "Windows",
    }  # fmt: skip
    assert IN_CHINA.encode() not in b"".join(
        repr(fields).encode() for _, fields in broker.xrange("stream:analytics.events")
    )
