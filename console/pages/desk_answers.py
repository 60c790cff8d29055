"""What the desk says about a scan: the outcome, the name, why, and answers. No address, no number."""

from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from conferences.models import Conference, Passage, Registration
from conferences.selectors.desk import choose_questions, get_settings, show_answers
from console.formats import clock, day, moment

State = Registration.State

# What the desk's script says while it has no answer of the server.
TEXTS = {
    "welcome": gettext_lazy("Welcome"),
    "already": gettext_lazy("Already in"),
    "goodbye": gettext_lazy("Goodbye"),
    "not_inside": gettext_lazy("Was not inside"),
    "pending": gettext_lazy("Pending"),
    "waiting": gettext_lazy("On the waiting list"),
    "rejected": gettext_lazy("Rejected"),
    "cancelled": gettext_lazy("Cancelled"),
    "other": gettext_lazy("Other conference"),
    "unknown": gettext_lazy("Unknown"),
    "doubt": gettext_lazy("Cannot tell"),
    "failed": gettext_lazy("Not recorded"),
    "idle": gettext_lazy("Ready"),
    "scanBadge": gettext_lazy("Scan a badge"),
    "noSuchCode": gettext_lazy("No such code here. Look for the name."),
    "nobody": gettext_lazy("Nobody here has this name, and it is no code."),
    "onList": gettext_lazy("On the list of {time}."),
    "kept": gettext_lazy("Kept here, sent later."),
    "sinceHere": gettext_lazy("Since {time}, at this desk"),
    "insideOnList": gettext_lazy("Was inside on the list of {time}"),
    "stateOnList": gettext_lazy("So says the list of {time}."),
    "notOnList": gettext_lazy("No network, and not on the list of {time}. You decide; it is kept."),
    "noList": gettext_lazy("No network, and no list on this device. You decide; it is kept."),
    "noNames": gettext_lazy("No network. Names cannot be searched until it is back."),
    "notSent": gettext_lazy("kept, not sent yet"),
    "undone": gettext_lazy("undone"),
    "undo": gettext_lazy("Undo"),
    "undoFailed": gettext_lazy("It could not be undone. Try again with network."),
    "letIn": gettext_lazy("Let in"),
    "approve": gettext_lazy("Approve and let in"),
    "offline": gettext_lazy("No network."),
    "waitingScans": gettext_lazy("Scans kept here, sent later: {count}"),
    "signedOut": gettext_lazy("You are signed out. Scans are kept here; sign in to send them."),
    "otherAccount": gettext_lazy("Another account is signed in at this browser. Load the page again."),
    "othersScans": gettext_lazy("Scans of {name} that wait here until they sign in: {count}."),
    "noStorage": gettext_lazy("This browser stores nothing: scans without network would be lost."),
    "cameraFailed": gettext_lazy("The camera cannot be used: {reason}"),
    "soundOn": gettext_lazy("Sound is on"),
    "soundOff": gettext_lazy("Sound is off"),
    "more": gettext_lazy("There are more. Type more of the name."),
}  # fmt: skip


def describe(
    outcome: str, registration: Registration, passage: Passage | None, since: Passage | None
) -> dict[str, Any]:
    """Return what the desk shows of a scan of an attendee of this conference."""
    shown: dict[str, Any] = {
        "outcome": outcome,
        "name": registration.name,
        "registration": registration.id,
        "passage": passage.id if passage else "",
        "why": _explain(outcome, registration, passage, since),
        "answers": [],
    }
    if outcome in ("welcome", "already"):
        conference = registration.conference
        questions = choose_questions(conference, get_settings(conference))
        shown["answers"] = show_answers(registration, questions, language=get_language() or "en")
    return shown


def _explain(outcome: str, registration: Registration, passage: Passage | None, since: Passage | None) -> str:
    registered = _("registered %(day)s") % {"day": day(registration.registered_at)}
    if outcome == "already" and since is not None:
        return describe_since(since)
    if outcome == State.CANCELLED:
        return _("Cancelled on %(when)s") % {"when": moment(registration.decided_at) or "–"}
    if outcome in (State.PENDING, State.WAITING):
        return _("Not approved yet, %(registered)s") % {"registered": registered}
    if outcome in ("welcome", State.REJECTED):
        return f"{registration.get_state_display()} · {registered}".capitalize()
    return passage.gate if passage else ""


def describe_since(since: Passage) -> str:
    """Return since when, where and by whose scan an attendee is inside."""
    by = since.scanned_by
    facts = {
        "time": clock(since.passed_at), "gate": since.gate,
        "name": (by.get_full_name() or by.get_username()) if by else "",
    }  # fmt: skip
    if since.gate and by:
        return _("Since %(time)s at %(gate)s, scanned by %(name)s") % facts
    if by:
        return _("Since %(time)s, scanned by %(name)s") % facts
    return (_("Since %(time)s at %(gate)s") if since.gate else _("Since %(time)s")) % facts


def describe_unknown(code: str) -> dict[str, Any]:
    """Return what the desk shows of a code that is none of ours."""
    return {"outcome": "unknown", "name": code[:40], "why": str(TEXTS["noSuchCode"]), "answers": []}


def describe_foreign(conference: Conference) -> dict[str, Any]:
    """Return what the desk shows of another conference's badge: which one it is for."""
    why = _("This badge is for another conference.")
    if conference.starts_at is not None:
        why = _("This badge is for %(day)s.") % {"day": day(conference.starts_at)}
    return {"outcome": "other", "name": conference.name, "why": why, "answers": []}
