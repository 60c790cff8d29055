"""Keep the sums of credits by sharer, by channel and in total, in the transactions that write the credits.

A sum is the sum of the stored credits (Credit, with the sharer and channel that each has there), so it is
right at every moment, also while registrations wait for their turn (StaleRegistration). Each sum is kept for
all time and for the quarter hour of the registrations, which is on one local day in every time zone.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Sum

from analytics.days.zones import QUARTER_MS
from sharing.derivation import bulk
from sharing.derivation.locks import lock_conferences
from sharing.derivation.store import load_opened
from sharing.models import ChannelCount, Credit, CreditSum, ShareLink, StaleSums
from sharing.rules.attribution import Credited
from sharing.rules.credit_models import CREDIT_MODELS
from sharing.rules.forest import Node

_KEY = ("conference_id", "kind", "model", "span", "name")
_AMOUNTS = ("units", "credits", "registrations", "direct")
_CHANNEL_KEY = ("conference_id", "channel")
_CHANNEL_AMOUNTS = ("links", "opens", "openers")
_CREDITS_AT_ONCE = 5000
_SHARER, _CHANNEL, _TOTAL = (str(kind) for kind in CreditSum.Kind.values)


class Sums:
    """Changes to sums, collected in memory."""

    def __init__(self) -> None:
        # (conference, quarter, kind, name) → credits, registrations, direct, then the units of each model
        self._changes: dict[tuple[str, int, str, str], list[int]] = {}

    def count(self, conference_id: str, ms: int, credits: Sequence[Credited], *, by: int) -> None:
        """Add (`by` = 1) or remove (-1) the credits of a registration at `ms`, nearest first."""
        quarter = ms // QUARTER_MS * QUARTER_MS
        ages = [item.age_ms for item in credits]
        divided = [model.divide(ages) for model in CREDIT_MODELS.values()]
        seen: set[tuple[str, str]] = set()
        for place, item in enumerate(credits):
            units = [by * parts[place] for parts in divided]
            for kind, name in ((_SHARER, item.sharer), (_CHANNEL, item.channel), (_TOTAL, "")):
                sums = self._changes.get((conference_id, quarter, kind, name))
                if sums is None:
                    sums = self._changes[conference_id, quarter, kind, name] = [0] * (3 + len(units))
                sums[0] += by
                sums[1] += 0 if (kind, name) in seen else by
                sums[2] += 0 if place else by
                for number, part in enumerate(units, start=3):
                    sums[number] += part
                seen.add((kind, name))

    def save(self) -> None:
        """Write the changes in the caller's transaction, which holds the lock."""
        if not self._changes:
            return
        added, emptied = [], []
        for (conference_id, span, kind, name), sums in self._with_all_time():
            if not any(sums):
                continue
            credits, registrations, direct, *units = sums
            for model, amount in zip(CREDIT_MODELS, units, strict=True):
                key = (conference_id, kind, model, span, name)
                added.append((*key, amount, credits, registrations, direct))
                if credits < 0:
                    emptied.append(key)
        added.sort(key=lambda row: row[:5])  # neighbours in the index
        bulk.add(CreditSum, _KEY, _AMOUNTS, added)
        bulk.delete_empty(CreditSum, _KEY, "credits", emptied)

    def _with_all_time(self) -> Iterator[tuple[tuple[str, int, str, str], list[int]]]:
        of_all_time: dict[tuple[str, int, str, str], list[int]] = {}
        for key, sums in self._changes.items():
            conference_id, _, kind, name = key
            yield key, sums
            whole = of_all_time.setdefault((conference_id, CreditSum.ALL_TIME, kind, name), [0] * len(sums))
            for number, part in enumerate(sums):
                whole[number] += part
        yield from of_all_time.items()


def save_channels(nodes: Iterable[Node], opened: dict[str, tuple[int, int]]) -> None:
    """Write what changed links change in the counts of their channels.

    nodes: links that changed or were opened. opened: link → (opens, openers), which are added to the link.
    """
    changes: dict[tuple[str, str], list[int]] = {}

    def count(node: Node, channel: str, amounts: Sequence[int], *, by: int = 1) -> None:
        sums = changes.setdefault((node.id.partition("/")[0], channel), [0, 0, 0])
        for number, amount in enumerate(amounts):
            sums[number] += by * amount

    moved = []
    for node in nodes:
        is_shared, was_shared = node.shared_ms is not None, node.loaded_shared_ms is not None
        more = opened.get(node.id, (0, 0))
        if node.is_new:
            if is_shared:
                count(node, node.channel, (1, *more))
        elif is_shared != was_shared or node.channel != node.loaded_channel:
            moved.append(node)
        elif is_shared and any(more):
            count(node, node.channel, (0, *more))
    stored = load_opened(node.id for node in moved)
    for node in moved:
        opens, openers = stored[node.id]
        if node.loaded_shared_ms is not None:
            count(node, node.loaded_channel, (1, opens, openers), by=-1)
        if node.shared_ms is not None:
            more = opened.get(node.id, (0, 0))
            count(node, node.channel, (1, opens + more[0], openers + more[1]))
    rows: list[tuple[Any, ...]] = sorted((*key, *amounts) for key, amounts in changes.items() if any(amounts))
    bulk.add(ChannelCount, _CHANNEL_KEY, _CHANNEL_AMOUNTS, rows)
    bulk.delete_empty(ChannelCount, _CHANNEL_KEY, "links", [row[:2] for row in rows if row[2] < 0])


def rename_sharer(conference_id: str, sharer: str, name: str) -> None:
    """Give the sums of a sharer another name, in the caller's transaction, which holds the lock."""
    theirs = CreditSum.objects.filter(conference_id=conference_id, kind=_SHARER, name=sharer)
    rows = list(theirs.values_list("conference_id", "kind", "model", "span", *_AMOUNTS))
    bulk.add(CreditSum, _KEY, _AMOUNTS, [(*row[:4], name, *row[4:]) for row in rows])
    theirs.delete()


def delete_sums(conference_ids: Collection[str]) -> None:
    for model in (CreditSum, ChannelCount, StaleSums):
        model._default_manager.filter(conference_id__in=conference_ids).delete()


def count_again(conference_id: str) -> None:
    """Replace the sums of a conference by those of its credits and links, in one transaction."""
    with transaction.atomic():
        lock_conferences([conference_id])
        delete_sums([conference_id])
        sums = Sums()
        rows = Credit.objects.filter(conversion__conference_id=conference_id).values_list(
            "conversion_id", "conversion__registered_ms", "link_id", "distance", "age_ms", "sharer",
            "channel",
        ).order_by("conversion_id", "distance")  # fmt: skip
        for (_, ms), chain in groupby(rows.iterator(chunk_size=_CREDITS_AT_ONCE), key=lambda row: row[:2]):
            sums.count(conference_id, ms, [Credited(*row[2:]) for row in chain], by=1)
        sums.save()
        links = ShareLink.objects.filter(conference_id=conference_id, shared_ms__isnull=False)
        counted = links.order_by().values_list("channel").annotate(
            links=Count("*"), opens=Sum("opens"), openers=Sum("openers")
        )  # fmt: skip
        bulk.insert(
            ChannelCount, (*_CHANNEL_KEY, *_CHANNEL_AMOUNTS), [(conference_id, *row) for row in counted]
        )


def note_missing_models() -> None:
    """Note the conferences whose sums lack a credit model, e.g. because it is new."""
    names = list(CREDIT_MODELS)
    totals = CreditSum.objects.filter(kind=_TOTAL, span=CreditSum.ALL_TIME)
    known = totals.order_by().values("conference_id").annotate(
        models=Count("model", filter=Q(model__in=names))
    )  # fmt: skip
    for row in known.filter(models__lt=len(names)):
        StaleSums.objects.get_or_create(conference_id=row["conference_id"])


def count_stale() -> None:
    """Count the sums of the conferences that wait for it."""
    for conference_id in StaleSums.objects.values_list("conference_id", flat=True):
        count_again(conference_id)
