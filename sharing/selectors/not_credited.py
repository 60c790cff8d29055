"""What was not credited, and why."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import StrIndex, Substr

from conferences.models import Conference
from meeteasy.core.paging import PAGE_OF_EXPORT, iterate_pages, read_page
from sharing.models import NotCredited, ShareLink
from sharing.rules.attribution import REASON_LABELS, Reason
from sharing.rules.codes import code_of
from sharing.selectors.days import Range, in_range


def get_not_credited() -> QuerySet[NotCredited]:
    """Of all conferences, with `shown_reason`: the stored one, or `foreign_code`.

    An unknown code that another conference has is told apart here, when it is read: what a conference's
    events lead to must not depend on those of another, whose link may be shared, or moved, at any time.
    """
    code = Substr(OuterRef("link_key"), StrIndex(OuterRef("link_key"), Value("/")) + 1)
    # The exclusion changes nothing: no link has that key. Without it PostgreSQL makes a hash of all links'
    # codes for each page, as it does not know how few it will ask for.
    elsewhere = ShareLink.objects.filter(code=code).exclude(id=OuterRef("link_key"))
    is_foreign = Q(reason=Reason.UNKNOWN_CODE) & Exists(elsewhere)
    return NotCredited.objects.annotate(
        shown_reason=Case(When(is_foreign, then=Value(str(Reason.FOREIGN_CODE))), default=F("reason"))
    )


def get_refusals_of(conference: Conference, days: Range, *, reason: str = "") -> QuerySet[NotCredited]:
    """Those of registrations on these days; of one reason, or of all for ""."""
    refusals = (
        get_not_credited()
        .filter(in_range(conference, days, "registration__ms"), registration__conference_id=conference.id)
        .annotate(registered_ms=F("registration__ms")).select_related("registration")
    )  # fmt: skip
    return refusals.filter(shown_reason=reason) if reason else refusals  # type: ignore[misc]  # annotated


def get_page(
    refusals: QuerySet[NotCredited], *, limit: int, cursor: str = ""
) -> tuple[list[NotCredited], str | None]:
    """A page, the latest registration first, and the cursor of the next. Raises BadCursorError.

    Goes through the conference's registrations by time: of a rare reason, a page may look at all of them.
    """
    return read_page(refusals, ("-registered_ms", "-id"), limit=limit, cursor=cursor)


def load_not_credited(registrations: Sequence[str], places: range) -> dict[str, list[NotCredited]]:
    """Those of each of these registrations that has any at these places of its way to the root, along it, in
    one query. With the first place (1) those that have none."""
    of_places = Q(distance__gte=places.start, distance__lt=places.stop)
    if 1 in places:
        of_places |= Q(distance__isnull=True)
    refusals = get_not_credited().filter(of_places, registration_id__in=registrations)
    found: dict[str, list[NotCredited]] = {}
    for item in refusals.order_by("distance", "link_key"):
        found.setdefault(item.registration_id, []).append(item)
    return found


def not_credited_row(item: NotCredited) -> dict[str, Any]:
    """One from `get_not_credited` as API and admin give it."""
    reason = Reason(item.shown_reason)  # type: ignore[attr-defined]  # annotated
    return {
        "code": code_of(item.link_key),
        "reason": str(reason),
        "message": str(REASON_LABELS[reason]),
        "distance": item.distance,
    }


def listed_row(item: NotCredited) -> dict[str, Any]:
    """One from `get_refusals_of`, with its registration."""
    return {
        "registration_id": item.registration_id.partition("/")[2],
        "registered_at": item.registration.registered_at.isoformat(),
        **not_credited_row(item),
    }


def iterate_rows(refusals: QuerySet[NotCredited]) -> Iterator[dict[str, Any]]:
    """All of them as rows for an export, in constant memory."""
    for page in iterate_pages(lambda cursor: get_page(refusals, limit=PAGE_OF_EXPORT, cursor=cursor)):
        yield from map(listed_row, page)
