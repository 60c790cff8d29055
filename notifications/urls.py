"""URLs of the unsubscribe page and the development mailbox."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from notifications import mailbox_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("unsubscribe/<str:token>", views.unsubscribe_page, name="notifications-unsubscribe"),
    path("dev/mailbox", mailbox_views.mailbox, name="notifications-mailbox"),
    path("dev/mailbox/<int:message_id>", mailbox_views.message, name="notifications-mailbox-message"),
    path("dev/mailbox/<int:message_id>/html", mailbox_views.html_part, name="notifications-mailbox-html"),
    path(
        "dev/mailbox/<int:message_id>/attachments/<int:index>",
        mailbox_views.attachment,
        name="notifications-mailbox-attachment",
    ),
]
if settings.ANYMAIL_WEBHOOKS:
    # Without a secret, anymail would accept reports from anyone.
    urlpatterns.append(path("anymail/", include("anymail.urls")))
