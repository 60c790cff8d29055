"""Applying to a batch what its conferences refuse: senders without a key, other origins, addresses, pages."""

from analytics.events.problems import Rejection
from analytics.events.validation import ReadBatch
from analytics.ingest import answers, rules, senders
from analytics.ingest.conferences import Directory, Known
from analytics.ingest.refusals import Refusals
from analytics.ingest.requests import Request
from analytics.ingest.senders import Sender

_MESSAGES = {**rules.MESSAGES, **senders.MESSAGES}


async def apply_rules(
    directory: Directory, refusals: Refusals, request: Request, sender: Sender, found: ReadBatch
) -> None:
    """Reject the events that their conferences refuse, and warn of conferences that do not exist."""
    known, missing = await directory.look_up(found.conference_ids)
    placed = answers.places_of(found.batch.events, found.rejections)
    found.notices.extend(answers.name_unknown(missing, placed))
    ruled = {
        conference_id: each
        for conference_id, each in known.items()
        if each.rules is not None or each.requires_key
    }
    if not ruled:
        return
    by_sender = {
        conference_id: _refuse_sender(each, conference_id, request, sender)
        for conference_id, each in ruled.items()
    }
    kept = []
    for index, event in placed:
        conference_id = event.conference_id
        reason = None
        if conference_id in ruled:
            of_pages = ruled[conference_id].rules
            reason = by_sender[conference_id] or (of_pages and of_pages.refuse_event(event))
        if reason:
            found.rejections.append(Rejection(index, reason, _MESSAGES[reason]))
            refusals.add(reason, conference_id=conference_id)
        else:
            kept.append(event)
    found.batch.events[:] = kept
    found.rejections.sort(key=lambda rejection: -1 if rejection.index is None else rejection.index)


def _refuse_sender(known: Known, conference_id: str, request: Request, sender: Sender) -> str | None:
    if known.requires_key:
        reason = sender.refuse(conference_id)
        if reason is not None:
            return reason
    if known.rules is None:
        return None
    origin = request.origin.decode("latin-1") or None
    reason = known.rules.refuse_sender(origin=origin, address=request.address)
    # Whoever has a secret key is a server that the organizers know.
    is_known = sender.is_secret and sender.conference_id == conference_id
    return None if is_known and reason in ("origin_missing", "origin_not_allowed") else reason
