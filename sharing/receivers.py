"""Sharing's reactions to signals that its source data changed."""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model
from django.dispatch import receiver

from analytics.signals import adopted_late, trust_changed, unclaimed_dropped
from conferences.models import Conference, Registration
from conferences.services.deleting import deletes_rows
from conferences.signals import participant_asked, visitor_erased
from sharing.derivation.facts import known_as
from sharing.derivation.sums import note_missing_models
from sharing.models import (
    ChannelCount,
    Credit,
    CreditSum,
    DirtyDayOutbox,
    NotCredited,
    PendingTotal,
    QuarterSum,
    QuarterVersion,
    RegistrationStanding,
    ShareClaim,
    ShareConversion,
    ShareLink,
    ShareOpen,
    ShareRegistration,
    StaleRegistration,
    StaleSums,
    Void,
)
from sharing.selectors.participants import get_own_sharing
from sharing.services.dropping import drop
from sharing.services.erasing import erase_person
from sharing.services.rebuilding import rebuild, rederive_registrations


def _deletes_keyed(model: type[Model], column: str, *, by: str = "pk") -> None:
    """Register rows whose key begins with their conference: `<conference id>/…`, a range of the index."""
    deletes_rows(
        model,
        lambda conference_id: model._default_manager.filter(
            **{f"{column}__gte": f"{conference_id}/", f"{column}__lt": f"{conference_id}0"}  # "/" + 1
        ),
        by=by,
    )


_deletes_keyed(Credit, "conversion_id", by="conversion_id")
_deletes_keyed(NotCredited, "registration_id")
_deletes_keyed(ShareClaim, "link_key")
_deletes_keyed(ShareOpen, "link_key")
_deletes_keyed(RegistrationStanding, "id")
_deletes_keyed(QuarterVersion, "id")
deletes_rows(QuarterSum, QuarterSum.of_conference)
for _sums in (CreditSum, ChannelCount):  # SQLite takes no list of keys that have several parts
    deletes_rows(_sums, by="conference_id")
for _model in (
    ShareConversion, StaleSums, StaleRegistration, PendingTotal, Void, DirtyDayOutbox, ShareRegistration,
    ShareLink,
):  # fmt: skip
    deletes_rows(_model)


@receiver(trust_changed, dispatch_uid="sharing.rederive_registrations")
def rederive_on_changed_trust(sender: Any, conference_id: str, **kwargs: Any) -> None:
    rederive_registrations(conference_id)


@receiver(unclaimed_dropped, dispatch_uid="sharing.drop")
def drop_unclaimed(sender: Any, conference_ids: Sequence[str], **kwargs: Any) -> None:
    drop(conference_ids)


@receiver(adopted_late, dispatch_uid="sharing.rebuild")
def rebuild_late(sender: Any, conference_id: str, **kwargs: Any) -> None:
    rebuild(conference_id)


def note_missing_models_after_migrating(sender: Any, using: str, **kwargs: Any) -> None:
    """A new credit model has no sums yet; the next tick counts them."""
    tables = {CreditSum._meta.db_table, StaleSums._meta.db_table}
    if using == DEFAULT_DB_ALIAS and tables <= set(connection.introspection.table_names()):
        note_missing_models()


@receiver(visitor_erased, dispatch_uid="sharing.erase_person")
def erase_visitor(sender: Any, conference: Conference, visitor_id: str, **kwargs: Any) -> None:
    erase_person(conference, known_as(visitor_id))


@receiver(participant_asked, dispatch_uid="sharing.tell_participant")
def tell_participant(sender: Any, registration: Registration, **kwargs: Any) -> tuple[str, int]:
    return get_own_sharing(registration.conference_id, registration.visitor_id)
