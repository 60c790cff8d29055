"""A bare Django REST framework view that inserts the rows of a registration and does nothing else.

No rules, no answers to repetitions, and nothing is sent.

    gunicorn --workers 2 --threads 6 benchmarks.references.bare_registration:application
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

from django.conf import settings

settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

from django.db import transaction  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from conferences.models import Registration, RegistrationReceipt  # noqa: E402
from notifications.models import Notification  # noqa: E402


class Input(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    email = serializers.EmailField()


class Register(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, conference_id: str) -> Response:
        given = Input(data=request.data)
        given.is_valid(raise_exception=True)
        now = timezone.now()
        with transaction.atomic():
            made = Registration.objects.create(
                conference_id=conference_id, state="approved", registered_at=now, **given.validated_data
            )
            receipt = RegistrationReceipt.objects.create(registration=made, created_at=now)
            Notification.objects.create(
                message_type="registration_confirmation", channel="email", recipient=made.email,
                conference_id=conference_id, registration_id=made.id, dedupe_key=f"bare:{made.id}",
                status="sent",
            )  # fmt: skip
        return Response({"id": receipt.receipt}, status=201)


urlpatterns = [path("api/conferences/<str:conference_id>/registrations", Register.as_view())]
