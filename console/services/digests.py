"""Who gets the figures of which period by mail, and when: in the morning of the conference's zone.

Each tick finds what is due from the members' wishes; nothing is planned ahead, so nothing needs to be undone
when a zone or a wish changes. The outbox row and the note of its period are written in one transaction, and
the note by a conditional update: however many ticks run, and wherever one dies, a period is written once.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from analytics.stream.queue import has_unfinished
from conferences.access import Role, may
from conferences.models import Member
from console.models import Digest
from console.services.digest_times import last_morning
from console.services.mailing import queue_mail
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# After this nobody looks at the figures of a conference that is over.
_AFTERMATH = dt.timedelta(days=14)
_ROWS_AT_ONCE = 500
# While workers keep up, no event waits for so long.
_USUAL_WAIT = dt.timedelta(minutes=1)


def choose_digest(
    member: Member, period: str, *, language: str, now: dt.datetime | None = None
) -> Digest | None:
    """Have the member get a digest, or none with the period "". Choosing the same again changes nothing.

    period: one of Digest.Period, or "". The first digest is of the period that is running.
    """
    if not period:
        Digest.objects.filter(member=member).delete()
        return None
    known = Digest.objects.filter(member=member).first()
    if known is not None and known.period == period:
        Digest.objects.filter(pk=known.pk).update(language=language)
        return known
    changes = {"period": period, "language": language, "since": now or timezone.now()}
    return Digest.objects.update_or_create(member=member, defaults=changes)[0]


def stop_digest(digest_id: int) -> None:
    """Send the digest no more. Repeating it changes nothing."""
    Digest.objects.filter(pk=digest_id).delete()


def write_due(*, now: dt.datetime | None = None) -> int:
    """Write the mails of all digests that are due. Returns how many.

    While workers are behind none is written, since its figures would lack the events that wait. After an
    outage only the latest period's is written.
    """
    now = now or timezone.now()
    if has_unfinished(before=now - _USUAL_WAIT):
        return 0
    found = Digest.objects.select_related("member__conference", "member__user").order_by("pk")
    written = 0
    for digest in found.iterator(chunk_size=_ROWS_AT_ONCE):
        morning = last_morning(digest.period, digest.member.conference, now=now)
        if morning > digest.since and _is_wanted(digest, now=now):
            written += _write(digest, until=morning.date() - dt.timedelta(days=1))
    if written:
        log.info("digests_written", mails=written)
    return written


def _is_wanted(digest: Digest, *, now: dt.datetime) -> bool:
    member = digest.member
    conference, user = member.conference, member.user
    end = conference.ends_at or conference.starts_at
    return (
        bool(user.email)
        and user.is_active
        and may(member.role, Role.VIEWER)
        and conference.archived_at is None
        and conference.delete_at is None
        and (end is None or now < end + _AFTERMATH)
    )


@transaction.atomic
def _write(digest: Digest, *, until: dt.date) -> int:
    """Write the mail of the period that ends with `until`, unless it is written. Returns how many."""
    unwritten = Digest.objects.filter(Q(written_until=None) | Q(written_until__lt=until), pk=digest.pk)
    if not unwritten.update(written_until=until):
        return 0
    about = f"{digest.pk}:{digest.period}:{until.isoformat()}"
    queue_mail("digest", recipient=digest.member.user.email, language=digest.language, about=about)
    return 1
