"""Why a message was not sent, or not yet, for people, in words of the reader's language.

`Notification.last_error` is for logs and operators: English, with the provider's own answer. Its beginnings
are ours (services/delivering.py, message_types/), so they are known here; the rest is shown as it is.
"""

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.models import Notification

Status = Notification.Status

_KNOWN = (
    ("the address is suppressed: bounced",
     gettext_lazy("A mail to this address came back before, so nothing more goes there.")),
    ("the address is suppressed: complained",
     gettext_lazy("Its owner marked a mail of yours as spam, so nothing more goes there.")),
    ("the address is suppressed: unsubscribed", gettext_lazy("The person unsubscribed from such messages.")),
    ("the address is suppressed", gettext_lazy("An operator suppressed this address.")),
    ("the conference is cancelled", gettext_lazy("The conference is cancelled.")),
    ("the registration does not exist", gettext_lazy("The registration was erased.")),
    ("the attendee is checked in", gettext_lazy("The person was there already.")),
    ("it came too late", gettext_lazy("It was too late to be of use.")),
    ("the conference was moved",
     gettext_lazy("The conference moved; its new date has a reminder of its own.")),
    ("the conference has no date", gettext_lazy("The conference has no date.")),
    ("overtaken: the registration is", gettext_lazy("The registration's state changed before it was sent.")),
    ("overtaken", gettext_lazy("Newer news overtook it.")),
    ("aborted by", gettext_lazy("It was aborted by hand.")),
    ("stopped by", gettext_lazy("The message was stopped before this copy was sent.")),
    ("the message was deleted", gettext_lazy("The message was deleted.")),
    ("not rendered", gettext_lazy("The message could not be built. Tell whoever runs this server.")),
    ("given up", gettext_lazy("It was given up after many attempts.")),
    ("permanent", gettext_lazy("The provider refused it for good.")),
    ("temporary", gettext_lazy("The provider refused it for now; it is tried again.")),
    ("outage", gettext_lazy("The provider is out of reach or refuses us; it goes out when that is over.")),
    ("bounced", gettext_lazy("It came back.")),
    ("unknown", gettext_lazy("Nobody knows whether it arrived: the provider was asked and gave no answer.")),
)  # fmt: skip


def explain(notification: Notification, *, now: dt.datetime) -> str:
    """Return why a message was not sent, or not yet; "" for one that is on its way or arrived."""
    if notification.status in (Status.SENT, Status.DELIVERED, Status.SENDING):
        return ""
    found = next((text for start, text in _KNOWN if notification.last_error.startswith(start)), None)
    if found is not None:
        return str(found)
    if notification.status == Status.QUEUED:
        return _("It waits for its time.") if notification.scheduled_for > now else _("It goes out next.")
    return _("It was not sent.")


def quote_provider(notification: Notification) -> str:
    """Return the provider's own words about a message that failed, if there are some."""
    if notification.status in (Status.SENT, Status.DELIVERED):
        return ""
    if notification.status == Status.SUPPRESSED:
        return ""
    kind, _colon, rest = notification.last_error.partition(": ")
    return (rest or kind).strip()[:300]
