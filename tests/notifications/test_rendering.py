"""Every message type, in every language, over every channel: the registry is walked, so a new one is too."""

import datetime as dt
import re
import zoneinfo
from email import message_from_bytes, policy

import pytest
from django.conf import settings
from icalendar import Calendar

from notifications.channels.email import make_message
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Notification
from notifications.previews import list_previews, make_sample, preview_html
from notifications.rendering import one_line, pick_language, render_mail, render_sms
from notifications.segments import count_segments

PREVIEWS = list_previews()
MAILS = [preview for preview in PREVIEWS if preview.channel == "email"]
SMS = [preview for preview in PREVIEWS if preview.channel == "sms"]


def sample(preview: object) -> Notification:
    return make_sample(message_type=preview.message_type, channel=preview.channel, language=preview.language)


def ids(preview: object) -> str:
    return f"{preview.message_type}-{preview.channel}-{preview.language}"


def test_each_message_type_has_a_mail_in_both_languages_and_reminders_an_sms() -> None:
    assert set(MESSAGE_TYPES) >= {
        "registration_confirmation", "pending_approval", "approval", "rejection", "checkin_reminder",
        "cancellation", "already_registered",
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
def test_every_mail_says_who_what_where_and_when_in_its_language(preview: object) -> None:
    mail = render_mail(sample(preview))
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
def test_a_name_in_any_script_is_text_and_never_markup(preview: object) -> None:
    notification = sample(preview)
    notification.context["name"] = "<b onload=x>Ж&ا😀"
    notification.context["conference"]["name"] = "A & B <i>"
    mail = render_mail(notification)
    assert "&lt;b onload=x&gt;Ж&amp;ا😀" in mail.html
    assert "<b onload" not in mail.html
    assert "<i>" not in mail.html
    assert "<b onload=x>Ж&ا😀" in mail.text  # plain text is not escaped
    assert "A & B <i>" in mail.subject


@pytest.mark.parametrize("preview", MAILS, ids=ids)
def test_a_line_break_in_a_name_begins_no_header(preview: object) -> None:
    notification = sample(preview)
    notification.context["conference"]["name"] = "Summit\r\nBcc: everyone@example.com\u2028X-Evil: 1"
    message = make_message(notification, render_mail(notification)).message()
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["X-Evil"] is None
    assert "Bcc: everyone@example.com" in parsed["Subject"]
    assert "\n" not in str(parsed["Subject"])


def test_a_name_of_ten_thousand_characters_does_not_bury_the_message() -> None:
    notification = make_sample(message_type="approval", channel="email", language="en")
    notification.context["name"] = "长" * 10_000
    notification.context["conference"]["name"] = "x" * 10_000
    mail = render_mail(notification)
    assert len(mail.subject) <= 150
    assert len(mail.text) < 2_000


@pytest.mark.parametrize("key", ["registration_confirmation", "approval"])
def test_confirmations_carry_the_badge_and_an_invitation_in_the_conferences_zone(key: str) -> None:
    notification = make_sample(message_type=key, channel="email", language="zh-hans")
    mail = render_mail(notification)
    ((content_id, png),) = mail.images.items()
    assert png.startswith(b"\x89PNG")
    assert f'src="cid:{content_id}"' in mail.html

    raw = make_message(notification, mail).message().as_bytes()
    parts = {part.get_content_type(): part for part in message_from_bytes(raw, policy=policy.default).walk()}
    assert parts["image/png"]["Content-ID"] == f"<{content_id}>"
    calendar = Calendar.from_ical(parts["text/calendar"].get_content())
    event = calendar.walk("VEVENT")[0]
    assert event["DTSTART"].dt == dt.datetime(2027, 5, 18, 9, 0, tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai"))
    assert event["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert event["DTEND"].dt.astimezone(dt.UTC) == dt.datetime(2027, 5, 20, 9, 30, tzinfo=dt.UTC)
    assert calendar.walk("VTIMEZONE")
    assert str(event["SUMMARY"]) == "Shanghai Summit 2027 上海峰会"


def test_a_conference_without_dates_is_written_about_without_them() -> None:
    for preview in MAILS:
        notification = sample(preview)
        if notification.message_type == "checkin_reminder":
            continue  # there is none without a start
        notification.context["conference"].update(starts_at=None, ends_at=None, venue="")
        mail = render_mail(notification)
        assert mail.attachments == []
        assert "None" not in mail.text + mail.html


def test_only_what_is_not_transactional_can_be_unsubscribed_from() -> None:
    for preview in MAILS:
        notification = sample(preview)
        mail = make_message(notification, render_mail(notification))
        reminder = preview.message_type == "checkin_reminder"
        assert ("List-Unsubscribe" in mail.extra_headers) == reminder
        assert ("/unsubscribe/" in mail.body) == reminder
        if reminder:
            assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("preview", SMS, ids=ids)
def test_an_sms_is_one_line_that_knows_its_segments_and_its_parameters(preview: object) -> None:
    notification = sample(preview)
    notification.context["conference"]["name"] = "Summit\u00a02027\n"
    sms = render_sms(notification)
    assert "\n" not in sms.text
    assert "Summit 2027" in sms.text
    assert "09:00" in sms.text
    assert sms.segments == count_segments(sms.text)
    assert 1 <= sms.segments.count <= 2
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
def test_the_nearest_language_is_taken(wanted: str, found: str) -> None:
    assert pick_language(wanted) == found


def test_one_line_drops_what_could_begin_another() -> None:
    assert one_line(" a\r\nb\tc\u2029d\u00a0e\x00f \ud800") == "a b c d e f"


@pytest.mark.parametrize("preview", PREVIEWS, ids=ids)
def test_previews_need_nothing_from_elsewhere(preview: object) -> None:
    html = preview_html(sample(preview))
    assert "Error" not in html
    assert "cid:" not in html
    assert "Summit" in html


def test_a_template_that_fails_is_shown_in_the_preview() -> None:
    assert "UnknownMessageTypeError" in preview_html(Notification(message_type="nonsense", channel="email"))


def test_every_language_of_the_settings_has_templates() -> None:
    for key, message_type in MESSAGE_TYPES.items():
        for language, _ in settings.LANGUAGES:
            folder = settings.BASE_DIR / "templates" / "notifications" / key / language
            wanted = {"subject.txt", "body.txt", "body.html"}
            if "sms" in message_type.channels:
                wanted.add("sms.txt")
            assert {path.name for path in folder.iterdir()} == wanted
