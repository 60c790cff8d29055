"""API tokens: made once, stored as digests."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from rest_framework.test import APIClient

from conferences.models import Conference

pytestmark = pytest.mark.django_db


def make(*arguments: str) -> str:
    out = StringIO()
    call_command("drf_create_token", *arguments, stdout=out)
    words = out.getvalue().split()
    assert (words[:2], words[3:]) == (["Generated", "token"], ["for", "user", arguments[0]])
    return words[2]


def status_with(header: str) -> int:
    return APIClient().get("/api/conferences", HTTP_AUTHORIZATION=header).status_code


def test_each_token_opens_the_api_and_none_is_stored(alice: User, conference: Conference) -> None:
    first, second = make("alice"), make("alice")
    assert first != second
    for token in (first, second):
        assert status_with(f"Token {token}") == status_with(f"Bearer {token}") == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM meeteasy_apitoken")
        rows = cursor.fetchall()
    assert len(rows) == 2
    assert not any(token in str(value) for row in rows for value in row for token in (first, second))
    digest = rows[0][0]
    assert status_with(f"Token {digest}") == 401


def test_reset_withdraws_the_earlier_ones(alice: User) -> None:
    first = make("alice")
    second = make("alice", "--reset")
    assert (status_with(f"Token {first}"), status_with(f"Token {second}")) == (401, 200)


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token nonsense", "Bearer nonsense", "Token é"])
def test_an_invalid_token_is_refused(header: str) -> None:
    assert status_with(header) == 401


def test_an_inactive_user_has_no_valid_token(alice: User) -> None:
    token = make("alice")
    User.objects.update(is_active=False)
    assert status_with(f"Token {token}") == 401


def test_no_token_is_made_for_an_unknown_user() -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        make("nobody")
