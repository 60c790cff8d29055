"""The store of files: whole or not at all, on a disk and on a server that speaks S3's protocol."""

import datetime as dt
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from conversion import store
from conversion.models import ConversionJob
from conversion.services import removing
from conversion.services.converting import convert
from tests.conversion import documents
from tests.conversion.conftest import Start, read_output


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket on a server of moto, used as settings.py says when S3_BUCKET is set."""
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "bucket_name": "meeteasy", "endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-1",
        "access_key": "key", "secret_key": "secret", "location": "conversions",
    }  # fmt: skip
    client = boto3.client(
        "s3", endpoint_url=options["endpoint_url"], region_name="eu-west-1", aws_access_key_id="key",
        aws_secret_access_key="secret",
    )  # fmt: skip
    httpx.post(f"{options['endpoint_url']}/moto-api/reset")  # what an earlier server of this process kept
    client.create_bucket(Bucket="meeteasy", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "conversion": backend}
    yield client
    server.stop()


def check_round_trip() -> None:
    with pytest.raises(FileNotFoundError):
        store.open_file("summit/outputs/a.pdf")
    assert not store.exists("summit/outputs/a.pdf")
    store.put("summit/outputs/a.pdf", io.BytesIO(b"first"))
    store.put("summit/outputs/a.pdf", io.BytesIO("zweite, 第二".encode()))
    with store.open_file("summit/outputs/a.pdf") as file:
        assert file.fileno() > 2
        assert file.read().decode() == "zweite, 第二"
    with store.open_stream("summit/outputs/a.pdf") as file:
        assert file.read().decode() == "zweite, 第二"
    store.put("summit/inputs/b", io.BytesIO(b"b"))
    assert sorted(store.walk()) == ["summit/inputs/b", "summit/outputs/a.pdf"]
    assert abs(store.modified_at("summit/inputs/b") - timezone.now()) < dt.timedelta(minutes=1)
    store.delete("summit/inputs/b")
    store.delete("summit/inputs/b")
    assert list(store.walk()) == ["summit/outputs/a.pdf"]


def test_a_file_on_disk_is_stored_read_and_deleted() -> None:
    check_round_trip()


def test_a_bucket_stores_reads_and_deletes_files(bucket: Any) -> None:
    check_round_trip()
    listed = bucket.list_objects_v2(Bucket="meeteasy")["Contents"]
    assert [entry["Key"] for entry in listed] == ["conversions/summit/outputs/a.pdf"]


def test_a_write_that_fails_leaves_the_old_file(own_store: Path) -> None:
    store.put("a/b", io.BytesIO(b"old"))

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        store.put("a/b", Broken(b"new"))
    assert (own_store / "a" / "b").read_bytes() == b"old"
    assert list(store.walk()) == ["a/b"]


def test_files_are_for_this_user_alone(own_store: Path) -> None:
    store.put("a/b", io.BytesIO(b"x"))
    assert os.stat(own_store / "a" / "b").st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_a_conversion_works_on_a_bucket(bucket: Any, work_off: Start, settings: Any) -> None:
    settings.CONVERT_WITHOUT_SANDBOX = True
    first, second = (work_off(documents.make_picture(), "a.png", "picture") for _ in range(2))
    assert read_output(second) == read_output(first)
    removing.remove(first.pk)
    assert read_output(second)
    removing.remove(second.pk)
    assert list(store.walk()) == []


@pytest.mark.django_db
def test_a_bucket_that_is_away_makes_the_job_wait(bucket: Any, start: Start, settings: Any) -> None:
    settings.CONVERT_WITHOUT_SANDBOX = True
    job = start(documents.make_picture(), "a.png", "picture")
    away = {**settings.STORAGES["conversion"]}
    away["OPTIONS"] = {**away["OPTIONS"], "endpoint_url": "http://127.0.0.1:9"}
    there = settings.STORAGES
    settings.STORAGES = {**settings.STORAGES, "conversion": away}
    assert convert(job.pk) == "queued"
    settings.STORAGES = there
    ConversionJob.objects.update(due_at=timezone.now())
    assert convert(job.pk) == "done"
