"""Conversions in the admin: what an operator sees, retrying, deleting."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Member
from conversion import store
from conversion.models import ConversionJob
from tests.conversion import documents
from tests.conversion.conftest import Start

pytestmark = pytest.mark.django_db
URL = "/admin/conversion/conversionjob/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def failed(work_off: Start, settings: Any) -> ConversionJob:
    settings.CONVERT_WITHOUT_SANDBOX = True
    return work_off(documents.random_bytes(), "议程.png", "picture")


def act(operator: Client, action: str, job: ConversionJob) -> str:
    answer = operator.post(URL, {"action": action, "_selected_action": [job.pk]}, follow=True)
    return answer.content.decode()


def test_an_operator_sees_what_failed_and_why(operator: Client, failed: ConversionJob) -> None:
    page = operator.get(URL, {"status": "failed", "target": "picture"}).content.decode()
    assert "议程.png" in page
    assert "damaged" in page
    assert "corrupt" in operator.get(f"{URL}{failed.pk}/change/").content.decode()
    assert "议程.png" not in operator.get(URL, {"target": "pdf"}).content.decode()


def test_an_operator_tries_a_failed_one_again(operator: Client, failed: ConversionJob) -> None:
    assert "Done for 1 entry." in act(operator, "retry", failed)
    failed.refresh_from_db()
    assert failed.status == "queued"
    assert "not failed" in act(operator, "retry", failed)


def test_an_operator_deletes_one_with_its_files(operator: Client, failed: ConversionJob) -> None:
    act(operator, "remove", failed)
    assert not ConversionJob.objects.exists()
    assert list(store.walk()) == []


def test_who_may_only_read_has_no_actions(client: Client, failed: ConversionJob) -> None:
    from django.contrib.auth.models import Permission

    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_conversionjob"))
    Member.objects.create(conference=failed.conference, user=reader, role=Member.Role.VIEWER)
    client.force_login(reader)
    page = client.get(URL).content.decode()
    assert "议程.png" in page
    assert 'value="retry"' not in page
    act(client, "remove", failed)
    assert ConversionJob.objects.exists()
