"""Every message type in every language over every channel. The tests walk the registry."""

import datetime as dt
import re
import zoneinfo
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.conf import settings
from icalendar import Calendar

from conferences.models import Registration
from notifications.channels.email import make_message
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Notification
from notifications.previews import list_previews, make_sample, preview_html
from notifications.rendering import one_line, pick_language, render_mail, render_sms
from notifications.segments import count_segments

PREVIEWS = list_previews()
MAILS = [preview for preview in PREVIEWS if preview.channel == "email"]
SMS = [preview for preview in PREVIEWS if preview.channel == "sms"]


def sample(preview: object) -> tuple[Notification, Registration]:
    return make_sample(message_type=preview.message_type, channel=preview.channel, language=preview.language)


def ids(preview: object) -> str:
    return f"{preview.message_type}-{preview.channel}-{preview.language}"


def test_message_types_cover_both_languages() -> None:
    assert set(MESSAGE_TYPES) >= {
        "registration_confirmation", "pending_approval", "approval", "rejection", "checkin_reminder",
        "cancellation", "already_registered", "waiting_list", "promotion", "conference_moved",
        "conference_cancelled",
    }  # fmt: skip
    languages = {"en", "zh-hans"}
    assert {(mail.message_type, mail.language) for mail in MAILS} == {
        (name, language)
        for name, kind in MESSAGE_TYPES.items()
        if "email" in kind.channels
        for language in languages
    }
    assert {preview.language for preview in SMS} == {"en", "zh-hans"}


@pytest.mark.parametrize("preview", MAILS, ids=ids)
def test_every_mail_states_the_facts_in_its_language(preview: object) -> None:
    mail = render_mail(*sample(preview))
    assert mail.language == preview.language
    assert "Shanghai Summit 2027 上海峰会" in mail.subject
    chinese_words = len(re.findall(r"[\u4e00-\u9fff]", mail.text))
    assert (chinese_words > 40) == (preview.language == "zh-hans")
    for body in (mail.text, mail.html):
        assert "Zhang Wei 张伟" in body
        assert "Expo Center" in body
        # 01:00 UTC is nine o'clock in Shanghai
        assert "09:00" in body
        assert "+0800" in body
        assert ("Tuesday, 18 May 2027" if preview.language == "en" else "2027年5月18日 星期二") in body
        assert "{{" not in body
        assert "{%" not in body
    assert "<" not in mail.text


@pytest.mark.parametrize("preview", MAILS, ids=ids)
def test_names_in_any_script_are_escaped(preview: object) -> None:
    notification, registration = sample(preview)
    registration.name = "<b onload=x>Ж&ا😀"
    registration.conference.name = "A & B <i>"
    mail = render_mail(notification, registration)
    assert "&lt;b onload=x&gt;Ж&amp;ا😀" in mail.html
    assert "<b onload" not in mail.html
    assert "<i>" not in mail.html
    assert "<b onload=x>Ж&ا😀" in mail.text  # plain text is not escaped
    assert "A & B <i>" in mail.subject


@pytest.mark.parametrize("preview", MAILS, ids=ids)
def test_a_line_break_in_a_name_adds_no_header(preview: object) -> None:
    notification, registration = sample(preview)
    registration.conference.name = "Summit\r\nBcc: everyone@example.com\u2028X-Evil: 1"
    message = make_message(notification, render_mail(notification, registration)).message()
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["X-Evil"] is None
    assert "Bcc: everyone@example.com" in parsed["Subject"]
    assert "\n" not in str(parsed["Subject"])


def test_a_very_long_name_does_not_bury_the_message() -> None:
    notification, registration = make_sample(message_type="approval", channel="email", language="en")
    registration.name = "长" * 10_000
    registration.conference.name = "x" * 10_000
    mail = render_mail(notification, registration)
    assert len(mail.subject) <= 150
    assert len(mail.text) < 2_000


def parse(notification: Notification, registration: Registration, **options: int) -> EmailMessage:
    """Render a mail and parse it as it goes over the wire."""
    mail = make_message(notification, render_mail(notification, registration, **options))
    return message_from_bytes(mail.message().as_bytes(), policy=policy.default)


def find_event(message: EmailMessage) -> tuple[Calendar, Any]:
    (part,) = (part for part in message.walk() if part.get_content_type() == "text/calendar")
    calendar = Calendar.from_ical(part.get_content())
    assert part.get_param("method") == str(calendar["METHOD"])  # RFC 6047 §2.4
    assert part.get_filename() == "invitation.ics"
    return calendar, calendar.walk("VEVENT")[0]


@pytest.mark.parametrize("key", ["registration_confirmation", "approval", "promotion"])
def test_invitations_use_the_conferences_zone(key: str) -> None:
    message = parse(*make_sample(message_type=key, channel="email", language="zh-hans"), sequence=3)
    calendar, event = find_event(message)
    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("REQUEST", "CONFIRMED", 3)
    assert event["DTSTART"].dt == dt.datetime(2027, 5, 18, 9, 0, tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai"))
    assert event["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert event["DTEND"].dt.astimezone(dt.UTC) == dt.datetime(2027, 5, 20, 9, 30, tzinfo=dt.UTC)
    assert calendar.walk("VTIMEZONE")
    assert str(event["SUMMARY"]) == "Shanghai Summit 2027 上海峰会"
    assert event["ATTENDEE"] == "mailto:zhang.wei@example.com"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert event["ORGANIZER"].startswith("mailto:")


def test_an_invitation_says_the_zones_offset_beyond_2037() -> None:
    """Calendars take the last change of offset that the file names, and no other."""
    notification, registration = make_sample(message_type="approval", channel="email", language="en")
    conference = registration.conference
    conference.time_zone = "Europe/Berlin"
    conference.starts_at = dt.datetime(2041, 7, 1, 7, tzinfo=dt.UTC)
    conference.ends_at = dt.datetime(2041, 7, 1, 15, tzinfo=dt.UTC)
    calendar, event = find_event(parse(notification, registration))
    start = event["DTSTART"].dt.replace(tzinfo=None)
    (zone,) = calendar.walk("VTIMEZONE")
    changes = [
        (onset, part["TZOFFSETTO"].td)
        for part in zone.subcomponents
        for onset in (
            part["DTSTART"].dt,
            *(each.dt for each in (part["RDATE"].dts if "RDATE" in part else ())),
        )
        if onset <= start
    ]
    assert max(changes)[1] == dt.timedelta(hours=2)


@pytest.mark.parametrize("key", ["cancellation", "conference_cancelled"])
def test_cancellations_remove_the_same_calendar_entry(key: str) -> None:
    _, confirmed = find_event(
        parse(*make_sample(message_type="approval", channel="email", language="en"), sequence=3)
    )
    calendar, event = find_event(
        parse(*make_sample(message_type=key, channel="email", language="en"), sequence=3)
    )
    assert (calendar["METHOD"], event["STATUS"]) == ("CANCEL", "CANCELLED")
    assert event["UID"] == confirmed["UID"]
    assert event["SEQUENCE"] >= confirmed["SEQUENCE"]


def test_people_without_a_place_get_no_calendar_entry() -> None:
    notification, registration = make_sample(message_type="conference_moved", channel="email", language="en")
    registration.state = "pending"
    assert render_mail(notification, registration).invitation is None
    registration.state = "approved"
    assert render_mail(notification, registration).invitation is not None


def test_the_badge_is_embedded_in_the_html() -> None:
    message = parse(*make_sample(message_type="approval", channel="email", language="en"))
    body, calendar = message.iter_parts()
    assert (message.get_content_type(), calendar.get_content_type()) == ("multipart/mixed", "text/calendar")
    assert body.get_content_type() == "multipart/alternative"
    text, related = body.iter_parts()
    assert (text.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    assert related.get_param("type") == "text/html"
    html, picture = related.iter_parts()
    assert picture.get_content().startswith(b"\x89PNG")
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in html.get_content()
    assert picture.get_content_disposition() == "inline"


def test_mails_about_undated_conferences_omit_dates() -> None:
    for preview in MAILS:
        notification, registration = sample(preview)
        if notification.message_type == "checkin_reminder":
            continue  # this message needs a start
        conference = registration.conference
        conference.starts_at, conference.ends_at, conference.venue = None, None, ""
        mail = render_mail(notification, registration)
        assert mail.invitation is None
        assert "None" not in mail.text + mail.html


def test_only_non_transactional_mails_offer_unsubscribing() -> None:
    for preview in MAILS:
        notification, registration = sample(preview)
        mail = make_message(notification, render_mail(notification, registration))
        may_end = preview.message_type in ("checkin_reminder", "organizer_message")
        assert ("List-Unsubscribe" in mail.extra_headers) == may_end
        assert ("/unsubscribe/" in mail.body) == may_end
        if may_end:
            assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("preview", SMS, ids=ids)
def test_an_sms_is_one_line_with_segments_and_parameters(preview: object) -> None:
    notification, registration = sample(preview)
    registration.conference.name = "Summit\u00a02027\n"
    sms = render_sms(notification, registration)
    assert "\n" not in sms.text
    assert "Summit 2027" in sms.text
    assert sms.segments == count_segments(sms.text)
    assert 1 <= sms.segments.count <= 2
    if notification.message_type == "organizer_message":
        assert sms.parameters == {"text": sms.text}
        return
    assert "09:00" in sms.text
    assert sms.parameters == {
        "conference": "Summit 2027",
        "time": "05-18 09:00",
        "venue": "Expo Center, 1500 Shibo Avenue 世博中心",
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("en", "en"),
        ("zh-hans", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("zh_TW", "zh-hans"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_the_nearest_language_is_chosen(wanted: str, found: str) -> None:
    assert pick_language(wanted) == found


def test_one_line_removes_line_breaks() -> None:
    assert one_line(" a\r\nb\tc\u2029d\u00a0e\x00f \ud800") == "a b c d e f"


@pytest.mark.parametrize("preview", PREVIEWS, ids=ids)
def test_previews_are_self_contained(preview: object) -> None:
    html = preview_html(*sample(preview))
    assert "Error" not in html
    assert "cid:" not in html
    assert "Summit" in html


def test_a_preview_shows_template_errors() -> None:
    nonsense = Notification(message_type="nonsense", channel="email")
    assert "UnknownMessageTypeError" in preview_html(nonsense, Registration())


def test_every_configured_language_has_templates() -> None:
    for key, message_type in MESSAGE_TYPES.items():
        for language, _ in settings.LANGUAGES:
            folder = settings.BASE_DIR / "templates" / "notifications" / key / language
            wanted = {"subject.txt", "body.txt", "body.html"}
            if "sms" in message_type.channels:
                wanted.add("sms.txt")
            assert {path.name for path in folder.iterdir()} == wanted
