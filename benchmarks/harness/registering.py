"""Processor time of a registration inside Django, beside a bare DRF insert into the same table.

    python -m benchmarks.harness.registering ROUNDS COUNT

Runs in an environment whose database is migrated and has the conference `test`; benchmarks/registering.py
makes it. Requests go through the WSGI handler with all middleware, so parsing, checking, storing and
answering are in it, and sockets are not. Says `ready`, waits for a line, and prints JSON: milliseconds a
request, by round.
"""

import io
import json
import os
import sys
import time
import uuid
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import connections  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402
from rest_framework.permissions import AllowAny  # noqa: E402

import meeteasy.urls  # noqa: E402
from conferences.models import Registration  # noqa: E402


class _Bare(serializers.ModelSerializer):
    conference_id = serializers.CharField()

    class Meta:
        model = Registration
        fields = ["id", "conference_id", "name", "email", "phone", "answers", "state", "registered_at"]
        validators = ()  # which would ask the database what its constraints say anyway


class _BareInsert(generics.CreateAPIView):
    """What `rest_framework` needs to check a body and insert a row, and no more."""

    serializer_class = _Bare
    authentication_classes = ()
    permission_classes = (AllowAny,)


def _post(handler: WSGIHandler, address: str, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": address,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
    }
    status: list[str] = []
    answer = handler(environ, lambda line, headers: status.append(line))
    content = b"".join(answer)
    answer.close()
    if not status[0].startswith("201"):
        raise RuntimeError(f"{status[0]}: {content[:500]!r}")


def _time(handler: WSGIHandler, kind: str, count: int) -> dict[str, float]:
    bodies = []
    for _ in range(count):
        email = f"{uuid.uuid4().hex}@example.com"
        person = {"name": "Zhang Wei", "email": email, "phone": "+8613800138000", "answers": {"diet": "none"}}
        if kind == "bare":
            person |= {"conference_id": "test", "state": "approved", "registered_at": "2027-05-01T00:00:00Z"}
        bodies.append(person)
    address = "/bare" if kind == "bare" else "/api/conferences/test/registrations"
    processor, wall = time.process_time(), time.perf_counter()
    for body in bodies:
        _post(handler, address, body)
    return {
        "processor_ms": (time.process_time() - processor) / count * 1000,
        "wall_ms": (time.perf_counter() - wall) / count * 1000,
    }


def main() -> None:
    meeteasy.urls.urlpatterns.insert(0, path("bare", _BareInsert.as_view()))
    # As in a server whose threads are a pool; opening a connection takes longer than storing a row.
    connections["default"].settings_dict["CONN_MAX_AGE"] = None
    handler = WSGIHandler()
    rounds, count = int(sys.argv[1]), int(sys.argv[2])
    for kind in ("bare", "ours"):
        _time(handler, kind, 20)  # imports, connections
    print("ready", flush=True)
    sys.stdin.readline()
    measured = [{kind: _time(handler, kind, count) for kind in ("bare", "ours")} for _ in range(rounds)]
    print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    main()
