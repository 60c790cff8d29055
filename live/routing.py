"""The addresses of web sockets. meeteasy/asgi.py serves them."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path, re_path

from live.consumers import LiveConsumer, Refuse

websocket_application = AuthMiddlewareStack(
    URLRouter(
        [
            path("ws/conferences/<str:conference_id>/live", LiveConsumer.as_asgi()),
            re_path(r"", Refuse.as_asgi()),
        ]
    )
)
