from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from conferences.models import Conference, Registration
from conferences.services.registrations import register

Api = Callable[[User | None], APIClient]


@pytest.fixture
def ann(conference: Conference) -> Registration:
    """Ann's approved registration for `summit`."""
    return register(
        conference=conference, name="Ann", email="ann@example.com", phone="+8613800138000"
    ).registration
