"""Find codes that were not credited, and the reasons."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import StrIndex, Substr

from conferences.models import Conference
from meeteasy.core.paging import read_page
from meeteasy.core.rows import Rows
from sharing.derivation.bulk import fetch
from sharing.models import NotCredited, ShareLink
from sharing.rules.reasons import Reason
from sharing.selectors.days import Range, in_range


def get_not_credited() -> QuerySet[NotCredited]:
    """All uncredited codes of all conferences, with `shown_reason`: the stored reason, or `foreign_code`.

    An unknown code that another conference has is detected here, on reading. The derived data of one
    conference must not depend on the events of another, whose links may appear or move at any time.
    """
    code = Substr(OuterRef("link_key"), StrIndex(OuterRef("link_key"), Value("/")) + 1)
    # The exclusion changes no result: no link has that key. Without it PostgreSQL hashes the codes of all
    # links for each page, because it does not know how few codes the page needs.
    elsewhere = ShareLink.objects.filter(code=code).exclude(id=OuterRef("link_key"))
    is_foreign = Q(reason=Reason.UNKNOWN_CODE) & Exists(elsewhere)
    return NotCredited.objects.annotate(
        shown_reason=Case(When(is_foreign, then=Value(str(Reason.FOREIGN_CODE))), default=F("reason"))
    )


def get_not_credited_of(conference: Conference, days: Range, *, reason: str = "") -> QuerySet[NotCredited]:
    """The uncredited codes of registrations on these days, with one reason, or with any ("")."""
    found = get_not_credited().select_related("registration")
    if not reason:  # by the index of registrations, which has them in order of time
        of_days = found.filter(
            in_range(conference, days, "registration__ms"), registration__conference_id=conference.id
        )
        return of_days.annotate(listed_ms=F("registration__ms"))
    stored = Reason.UNKNOWN_CODE if reason == Reason.FOREIGN_CODE else reason
    of_reason = found.filter(
        in_range(conference, days, "registered_ms"), conference_id=conference.id, reason=stored
    ).annotate(listed_ms=F("registered_ms"))
    if stored == Reason.UNKNOWN_CODE:
        return of_reason.filter(shown_reason=reason)  # type: ignore[misc]  # annotated
    return of_reason


def get_page(
    found: QuerySet[NotCredited], *, limit: int, cursor: str = ""
) -> tuple[list[NotCredited], str | None]:
    """A page, latest registration first, and the cursor of the next page. Raises BadCursorError."""
    return read_page(found, ("-listed_ms", "-id"), limit=limit, cursor=cursor)


_rows = Rows(NotCredited, "item")
_OF_PLACES = (
    "SELECT {columns} FROM {{keys}} JOIN sharing_notcredited item ON item.registration_id = keys.key "
    "WHERE item.distance >= %s AND item.distance < %s{or_none} ORDER BY item.distance, item.link_key"
)


def load_not_credited(registrations: Sequence[str], places: range) -> dict[str, list[NotCredited]]:
    """The uncredited codes at these places of each registration's chain, in chain order. The first place (1)
    also brings those that have no place."""
    statement = _OF_PLACES.format(
        columns=_rows.columns,
        or_none=" OR item.distance IS NULL" if 1 in places else "",
    )
    items = [_rows.make(row) for row in fetch(statement, registrations, places.start, places.stop)]
    unknown = [item.pk for item in items if item.reason == Reason.UNKNOWN_CODE]
    shown: dict[int, str] = {}
    if unknown:
        of_unknown: QuerySet[Any] = get_not_credited().filter(pk__in=unknown)
        shown = dict(of_unknown.values_list("pk", "shown_reason"))
    found: dict[str, list[NotCredited]] = {}
    for item in items:
        item.shown_reason = shown.get(item.pk, item.reason)  # type: ignore[attr-defined]
        found.setdefault(item.registration_id, []).append(item)
    return found


def get_shown_reason(item: NotCredited) -> Reason:
    """The reason to show for a row of `get_not_credited`, with `foreign_code` for foreign codes."""
    return Reason(item.shown_reason)  # type: ignore[attr-defined]  # annotated
