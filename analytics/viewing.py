"""Read-only links: making and revoking them. Who has one sees figures, and nobody's name."""

import datetime as dt
import secrets

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.models import ReadOnlyView
from analytics.selectors.views import find_views
from conferences.models import Conference
from conferences.services.capping import insert_capped
from meeteasy.core.logs import get_logger
from meeteasy.core.tokens import digest_of

log = get_logger(__name__)

USUAL_DAYS = 30
MAX_DAYS = 365
MAX_VIEWS = 50  # of a conference that show something
_RANDOM_BYTES = 30


def create_view(
    *, conference: Conference, name: str, by: str, days: int = USUAL_DAYS, now: dt.datetime | None = None
) -> tuple[ReadOnlyView, str]:
    """Make a link that works for `days`. Returns its row and its token, which is stored nowhere.

    by: a user's name. Raises ValidationError for a bad name, and RefusedError `too_many_views`.
    """
    now = now or timezone.now()
    token = secrets.token_urlsafe(_RANDOM_BYTES)
    view = ReadOnlyView(
        id=digest_of(token), conference_id=conference.id, name=name, created_by=by, created_at=now,
        expires_at=now + dt.timedelta(days=days),
    )  # fmt: skip
    view.full_clean()
    insert_capped(
        view, conference_id=conference.id, most=MAX_VIEWS,
        among=find_views(conference).filter(revoked_at=None, expires_at__gt=now),
        code="too_many_views", message=_("A conference has at most %(most)d links; revoke one first."),
    )  # fmt: skip
    log.info("view_created", conference_id=conference.id, view=view.id)
    return view, token


def revoke_view(view: ReadOnlyView) -> ReadOnlyView:
    """Close a link at once. Harmless to repeat."""
    ReadOnlyView.objects.filter(id=view.id, revoked_at=None).update(revoked_at=timezone.now())
    view.refresh_from_db()
    log.info("view_revoked", conference_id=view.conference_id, view=view.id)
    return view
