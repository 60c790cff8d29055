"""What was not credited, and why."""

from collections.abc import Iterator, Sequence

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import StrIndex, Substr

from conferences.models import Conference
from meeteasy.core.paging import PAGE_OF_EXPORT, iterate_pages, read_page
from sharing.models import NotCredited, ShareLink
from sharing.rules.reasons import Reason
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


def get_not_credited_of(conference: Conference, days: Range, *, reason: str = "") -> QuerySet[NotCredited]:
    """Those of registrations on these days; of one reason, or of all for ""."""
    found = (
        get_not_credited()
        .filter(in_range(conference, days, "registration__ms"), registration__conference_id=conference.id)
        .annotate(registered_ms=F("registration__ms")).select_related("registration")
    )  # fmt: skip
    return found.filter(shown_reason=reason) if reason else found  # type: ignore[misc]  # annotated


def get_page(
    found: QuerySet[NotCredited], *, limit: int, cursor: str = ""
) -> tuple[list[NotCredited], str | None]:
    """A page, the latest registration first, and the cursor of the next. Raises BadCursorError.

    Goes through the conference's registrations by time: of a rare reason, a page may look at all of them.
    """
    return read_page(found, ("-registered_ms", "-id"), limit=limit, cursor=cursor)


def load_not_credited(registrations: Sequence[str], places: range) -> dict[str, list[NotCredited]]:
    """Those of each of these registrations that has any at these places of its way to the root, along it, in
    one query. With the first place (1) those that have none."""
    of_places = Q(distance__gte=places.start, distance__lt=places.stop)
    if 1 in places:
        of_places |= Q(distance__isnull=True)
    rows = get_not_credited().filter(of_places, registration_id__in=registrations)
    found: dict[str, list[NotCredited]] = {}
    for item in rows.order_by("distance", "link_key"):
        found.setdefault(item.registration_id, []).append(item)
    return found


def get_shown_reason(item: NotCredited) -> Reason:
    """The reason of one from `get_not_credited`, foreign codes told apart."""
    return Reason(item.shown_reason)  # type: ignore[attr-defined]  # annotated


def iterate_not_credited(found: QuerySet[NotCredited]) -> Iterator[NotCredited]:
    """All of them for an export, in constant memory."""
    for page in iterate_pages(lambda cursor: get_page(found, limit=PAGE_OF_EXPORT, cursor=cursor)):
        yield from page
