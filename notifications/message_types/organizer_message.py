"""What organizers write to a selection of registrants (services/mailings.py)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from conferences.models import Conference, Registration
from meeteasy.core.names import strip_invisible
from notifications.message_types._base import MessageType, State, register
from notifications.models import Mailing, Notification


@register
class OrganizerMessage(MessageType):
    """A copy of a message. facts: `mailing`, its id, and `is_test` for a copy to its author.

    A sample has `subject` and `body` instead. The text is read when it is sent, and for nobody twice: a
    doubtful copy waits for a person.
    """

    key: ClassVar[str] = "organizer_message"
    label = _("Message from the organizers")
    channels: ClassVar[Sequence[str]] = ("email", "sms")
    transactional: ClassVar[bool] = False
    states: ClassVar[frozenset[str]] = frozenset(State)
    outlives_conference: ClassVar[bool] = True
    repeats_unknown: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {
        "subject": "{conference}: shuttle buses",
        "body": "{name},\n\nbuses to {conference} leave every ten minutes.",
    }

    def read_facts(self, notification: Notification, registration: Registration) -> dict[str, Any]:
        """Return `subject` and `paragraphs`, with the person's name in them."""
        facts = notification.facts
        if "mailing" in facts:
            mailing = Mailing.objects.get(pk=facts["mailing"])
            facts = pick_text(mailing.texts, notification.language)
        name, conference = strip_invisible(registration.name), registration.conference.name
        subject, body = facts["subject"], facts["body"].replace("\r\n", "\n")
        for place, text in (("{name}", name), ("{conference}", conference)):
            subject, body = subject.replace(place, text), body.replace(place, text)
        paragraphs = [part.strip("\n") for part in body.split("\n\n") if part.strip()]
        return {"subject": subject, "paragraphs": paragraphs}

    def expires_at(self, conference: Conference) -> dt.datetime | None:
        return None

    def find_obstacle(
        self, notification: Notification, registration: Registration, *, now: dt.datetime
    ) -> str | None:
        mailing = Mailing.objects.filter(pk=notification.facts.get("mailing")).first()
        if mailing is None:
            return "the message was deleted"
        if notification.facts.get("is_test"):
            return None
        if mailing.status == Mailing.Status.STOPPED and not notification.on_request:
            return f"stopped by {mailing.stopped_by}"
        states = mailing.selection.get("states")
        if states and registration.state not in states:
            return f"overtaken: the registration is {registration.state}"
        return None

    def sms_parameters(self, context: dict[str, Any]) -> dict[str, str]:
        """Return `text`."""
        return {"text": " ".join(context["paragraphs"])}


def pick_text(texts: dict[str, dict[str, str]], language: str) -> dict[str, str]:
    """Return the text in a language, else in a related one, else the first one."""
    return texts[pick_written(texts, language)]


def pick_written(texts: dict[str, Any], language: str) -> str:
    """Return the language in which a reader gets a text."""
    family = language.partition("-")[0]
    related = (code for code in texts if code.partition("-")[0] == family)
    return language if language in texts else next(related, next(iter(texts)))
