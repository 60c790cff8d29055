"""Every page has a strict policy and follows it: nothing inline, no frames, nothing from elsewhere."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference

pytestmark = pytest.mark.django_db

PAGES = [
    "/accounts/login/",
    "/admin/",
    "/admin/login/",
    "/admin/conferences/conference/",
    "/admin/conferences/conference/summit/change/",
    "/admin/analytics/event/",
    "/admin/sharing/sharelink/",
    "/admin/notifications/notification/",
    "/admin/notifications/notification/preview/",
    "/admin/meeteasy/apitoken/",
    "/admin/conversion/conversionjob/",
    "/admin/django_celery_beat/periodictask/",
    "/console/",
    "/console/new/",
    "/console/password/",
    "/console/password/reset/",
    "/console/c/summit/?filter=page:is:/",
    "/console/c/summit/desk/?q=a",
    "/console/c/summit/figures/views/",
    "/console/c/summit/panels/pages/",
    "/console/c/summit/settings/views/",
    "/console/c/summit/live/",
    "/console/c/summit/members/",
    "/console/c/summit/page/en/",
    "/console/c/summit/settings/",
    "/console/c/summit/settings/copy/",
    "/console/c/summit/settings/desk/",
    "/console/c/summit/settings/delete/",
    "/console/c/summit/sharing/",
    "/console/c/summit/sharing/channels/",
    "/console/c/summit/sharing/new/",
    "/console/c/summit/sharing/not-credited/",
    "/api/docs",
    "/dev/mailbox",
]
_INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|<style|\sstyle=|\son[a-z]+="
)
_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?:https?:)?//")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_follows_its_own_policy(alice: User, conference: Conference, settings, path: str) -> None:
    settings.DEVELOPMENT_MAILBOX = True
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    if "login" not in path and "reset" not in path:
        client.force_login(User.objects.get(pk=alice.pk))
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    # Only the desk runs WebAssembly, the reader of QR codes; nothing evaluates strings.
    assert re.findall("[a-z-]*unsafe[a-z-]*", policy) == (
        ["wasm-unsafe-eval"] if "/summit/desk/" in path else []
    )
    assert answer["X-Frame-Options"] == "DENY"
    assert {"no-store", "private"} & set(answer["Cache-Control"].split(", ")), "no cache keeps it for others"
    html = answer.content.decode()
    assert not _INLINE.findall(html)
    assert not _ELSEWHERE.findall(html)


def test_the_docs_script_is_a_file_of_its_own() -> None:
    html = Client().get("/api/docs").content.decode()
    (script,) = re.findall(r'<script src="([^"]*\?script=[^"]*)"', html)
    answer = Client().get(script)
    assert answer["Content-Type"].startswith("application/javascript")
    assert "/api/schema" in answer.content.decode()


def test_a_mail_preview_runs_nothing_and_is_ours(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=alice.pk))
    page = client.get("/admin/notifications/notification/preview/").content.decode()
    sources = re.findall(r'<iframe sandbox[^>]*src="([^"]+)"', page)
    assert sources
    answer = client.get(sources[0])
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
