"""Django REST framework + a Celery task a request + the ORM: how a Django project usually does it.

A whole project in one module: view with serializers, a task whose message carries the batch, and
`bulk_create(ignore_conflicts=True)`.

    gunicorn benchmarks.references.drf_celery:application
    celery --app benchmarks.references.drf_celery worker
    python -m benchmarks.references.drf_celery         (creates the table)
"""

import datetime as dt
import os
import uuid
from typing import Any

import django
from celery import Celery
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

LABEL = "drf_celery_reference"

if not settings.configured:
    settings.configure(
        SECRET_KEY="a reference on loopback",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=["rest_framework"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "UNAUTHENTICATED_USER": None,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        },
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.environ["REFERENCE_DATABASE"],
                "OPTIONS": {
                    "timeout": 30,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                },
            }
        },
    )
    django.setup()

from django.db import connection, models  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

app = Celery("drf_celery", broker=os.environ.get("REDIS_URL"))
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4)


class Event(models.Model):
    event_id = models.CharField(primary_key=True, max_length=64)
    type = models.CharField(max_length=64)
    conference_id = models.CharField(max_length=64)
    visitor_id = models.CharField(max_length=64)
    session_id = models.CharField(max_length=64)
    ts = models.DateTimeField()
    received_at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        app_label = LABEL
        indexes = [models.Index(fields=["conference_id", "ts"], name="event_day")]

    def __str__(self) -> str:
        return self.event_id


class EventSerializer(serializers.Serializer):
    type = serializers.ChoiceField(choices=["page_view", "share", "share_open", "registration"])
    event_id = serializers.CharField(max_length=64, required=False)
    conference_id = serializers.CharField(max_length=64)
    visitor_id = serializers.CharField(max_length=64, required=False)
    session_id = serializers.CharField(max_length=64, required=False)
    ts = serializers.IntegerField(required=False)
    page = serializers.CharField(max_length=2048)
    url = serializers.CharField(max_length=2048, required=False)
    referrer = serializers.CharField(max_length=2048, required=False)
    title = serializers.CharField(max_length=2048, required=False)


class BatchSerializer(serializers.Serializer):
    events = EventSerializer(many=True, allow_empty=False)


@app.task
def store_events(events: list[dict[str, Any]], received_ms: int) -> None:
    received_at = dt.datetime.fromtimestamp(received_ms / 1000, dt.UTC)
    Event.objects.bulk_create(
        [
            Event(
                event_id=event.get("event_id") or str(uuid.uuid4()),
                type=event["type"],
                conference_id=event["conference_id"],
                visitor_id=event.get("visitor_id", ""),
                session_id=event.get("session_id", ""),
                ts=dt.datetime.fromtimestamp(event.get("ts", received_ms) / 1000, dt.UTC),
                received_at=received_at,
                data={name: event[name] for name in ("page", "url", "referrer", "title") if name in event},
            )
            for event in events
        ],
        ignore_conflicts=True,
    )


class TakeEvents(APIView):
    def post(self, request: Request) -> Response:
        batch = BatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        events = batch.validated_data["events"]
        store_events.delay(events, int(dt.datetime.now(dt.UTC).timestamp() * 1000))
        return Response({"accepted": len(events)}, status=202)


urlpatterns = [path("api/analytics/events", TakeEvents.as_view())]
application = get_wsgi_application()


if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Event)
