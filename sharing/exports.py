"""What sharing lets members export (conferences/exports)."""

import datetime as dt
from typing import Any, ClassVar

import msgspec
from django.db.models import QuerySet

from analytics.exports import Days
from conferences.exports import Export, register
from conferences.models import Conference
from meeteasy.core.paging import PAGE_OF_EXPORT
from sharing.addresses import share_url
from sharing.models import NotCredited, ShareConversion, ShareLink
from sharing.rules.codes import code_of
from sharing.rules.credit_models import DEFAULT
from sharing.rules.reasons import REASON_LABELS
from sharing.selectors import conversions, links, not_credited

# Columns of codes and ids: they stay usable in a CSV whatever they begin with.
CODES = ("code", "parent", "registration_id")
FLAGS = {"cycle": "closes_cycle", "contested": "is_contested", "void": "is_void"}
_LINK_COUNTERS = (
    "opens", "openers", "child_count", "direct", "assisted", "subtree_links", "subtree_conversions",
)  # fmt: skip

Row = dict[str, Any]


class LinksFilter(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """As `get_links` has them."""

    search: str = ""
    flagged: bool = False
    minted: bool = False


@register
class Links(Export):
    name: ClassVar[str] = "links"
    codes: ClassVar[tuple[str, ...]] = CODES
    Parameters: ClassVar[type[msgspec.Struct]] = LinksFilter

    def columns(self) -> list[str]:
        return [
            "code", "parent", "sharer", "label", "channel", "target_url", "url", "minted", "proven",
            "first_shared_at", "flags", *_LINK_COUNTERS,
        ]  # fmt: skip

    def find(self, conference: Conference, parameters: LinksFilter) -> QuerySet[ShareLink]:
        return links.get_links(conference, **msgspec.structs.asdict(parameters))

    def read(
        self, found: QuerySet[ShareLink], cursor: str, parameters: Any
    ) -> tuple[list[Row], int, str | None]:
        page, following = links.get_page(found, limit=PAGE_OF_EXPORT, cursor=cursor)
        return [_make_link_row(link) for link in page], len(page), following


def _make_link_row(link: ShareLink) -> Row:
    return {
        "code": link.code,
        "parent": code_of(link.parent_id) if link.parent_id else None,
        "sharer": link.sharer,
        "label": link.label,
        "channel": link.channel,
        "target_url": link.target_url,
        "url": share_url(link),
        "minted": link.is_minted,
        "proven": link.is_proven,
        "first_shared_at": link.first_shared_at and _as_text(link.first_shared_at),
        "flags": " ".join(name for name, field in FLAGS.items() if getattr(link, field)),
        **{name: getattr(link, name) for name in _LINK_COUNTERS},
    }


class DaysAndModel(Days, forbid_unknown_fields=True, frozen=True):
    model: str = DEFAULT


@register
class Credits(Export):
    """Each credit of each share conversion. The progress counts conversions."""

    name: ClassVar[str] = "credits"
    codes: ClassVar[tuple[str, ...]] = CODES
    Parameters: ClassVar[type[msgspec.Struct]] = DaysAndModel

    def columns(self) -> list[str]:
        return [
            "registration_id", "registered_at", "code", "sharer", "channel", "distance", "kind", "model",
            "credit",
        ]  # fmt: skip

    def find(self, conference: Conference, parameters: DaysAndModel) -> QuerySet[ShareConversion]:
        return conversions.get_conversions(conference, (parameters.first, parameters.last))

    def read(
        self, found: QuerySet[ShareConversion], cursor: str, parameters: DaysAndModel
    ) -> tuple[list[Row], int, str | None]:
        page, following = conversions.get_page(found, limit=PAGE_OF_EXPORT, cursor=cursor)
        credits = conversions.read_all_credits([item.registration_id for item in page], parameters.model)
        rows = [
            {
                "registration_id": code_of(conversion.registration_id),
                "registered_at": _as_text(conversion.registered_at),
                "model": parameters.model,
                **msgspec.structs.asdict(credit),
            }
            for conversion in page
            for credit in credits.get(conversion.registration_id, [])
        ]
        return rows, len(page), following


class DaysAndReason(Days, forbid_unknown_fields=True, frozen=True):
    reason: str = ""


@register
class NotCreditedCodes(Export):
    name: ClassVar[str] = "not-credited"
    codes: ClassVar[tuple[str, ...]] = CODES
    Parameters: ClassVar[type[msgspec.Struct]] = DaysAndReason

    def columns(self) -> list[str]:
        return ["registration_id", "registered_at", "code", "reason", "message", "distance"]

    def find(self, conference: Conference, parameters: DaysAndReason) -> QuerySet[NotCredited]:
        days = (parameters.first, parameters.last)
        return not_credited.get_not_credited_of(conference, days, reason=parameters.reason)

    def read(
        self, found: QuerySet[NotCredited], cursor: str, parameters: Any
    ) -> tuple[list[Row], int, str | None]:
        page, following = not_credited.get_page(found, limit=PAGE_OF_EXPORT, cursor=cursor)
        return [_make_not_credited_row(item) for item in page], len(page), following


def _make_not_credited_row(item: NotCredited) -> Row:
    reason = not_credited.get_shown_reason(item)
    return {
        "registration_id": item.registration.registration_id,
        "registered_at": _as_text(item.registration.registered_at),
        "code": code_of(item.link_key),
        "reason": str(reason),
        "message": str(REASON_LABELS[reason]),
        "distance": item.distance,
    }


def _as_text(moment: dt.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
