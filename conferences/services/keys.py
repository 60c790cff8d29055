"""Making and revoking keys of the event door, and noting their use."""

import datetime as dt
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.keys import Kind, new_key, shown_part
from conferences.models import Conference, EventKey
from conferences.services.capping import insert_capped
from meeteasy.core.logs import get_logger
from meeteasy.core.tokens import digest_of

log = get_logger(__name__)

# Valid ones of a conference: the event door keeps them in memory.
MAX_KEYS = 50
USE_NOTED_SECONDS = 60


def create_key(*, conference: Conference, kind: str, name: str, by: User | None) -> tuple[EventKey, str]:
    """Make a key. Returns its row and its text, which is stored nowhere.

    Raises ValidationError for a bad name, and RefusedError `too_many_keys`.
    """
    text = new_key(Kind(kind), conference.id)
    key = EventKey(
        conference=conference, kind=kind, name=name, created_by=by,
        prefix=shown_part(text), digest=digest_of(text),
    )  # fmt: skip
    key.full_clean()
    insert_capped(
        key, conference_id=conference.id, among=conference.event_keys.filter(revoked_at=None), most=MAX_KEYS,
        code="too_many_keys", message=_("A conference has at most %(most)d keys; revoke one first."),
    )  # fmt: skip
    log.info("event_key_created", conference_id=conference.id, kind=kind, prefix=key.prefix)
    return key, text


def revoke_key(key: EventKey) -> EventKey:
    """Make a key worthless, within some seconds. Harmless to repeat."""
    EventKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    key.refresh_from_db()
    log.info("event_key_revoked", conference_id=key.conference_id, prefix=key.prefix)
    return key


def note_uses(key_ids: Collection[int], *, at: dt.datetime) -> None:
    """Note when keys were used, at most once a minute for each, however many processes say so."""
    before = at - dt.timedelta(seconds=USE_NOTED_SECONDS)
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=before)
    EventKey.objects.filter(unnoted, pk__in=key_ids).update(last_used_at=at)
