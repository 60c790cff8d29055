"""The addresses of a server that has ANYMAIL_WEBHOOK_SECRET: decided when the settings are read."""

from django.urls import include, path

from meeteasy.urls import urlpatterns as ours

urlpatterns = [path("anymail/", include("anymail.urls")), *ours]
