"""URLs of a server with ANYMAIL_WEBHOOK_SECRET, which is read when the settings are loaded."""

from django.urls import include, path

from meeteasy.urls import urlpatterns as ours

urlpatterns = [path("anymail/", include("anymail.urls")), *ours]
