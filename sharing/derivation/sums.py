"""Keep the sums of credits by sharer, by channel and in total, in the transactions that write the credits.

A sum is the sum of the stored credits (Credit, with the sharer and channel that each has there), so it is
right at every moment, also while registrations wait for their turn (StaleRegistration). Each sum is kept for
the quarter hour of the registrations, which is on one local day in every time zone, and for all time.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from analytics.days.zones import QUARTER_MS
from sharing.derivation import bulk
from sharing.derivation.locks import lock_conferences
from sharing.derivation.store import load_opened
from sharing.models import ChannelCount, Credit, CreditSum, QuarterSum, ShareLink, StaleSums
from sharing.rules.attribution import Credited
from sharing.rules.credit_models import CREDIT_MODELS, digest_models
from sharing.rules.forest import Node

_KEY = ("conference_id", "kind", "name")
_COUNTS = ("credits", "registrations", "direct")
_CHANNEL_KEY = ("conference_id", "channel")
_CHANNEL_AMOUNTS = ("links", "opens", "openers")
_CREDITS_AT_ONCE = 5000
_SHARER, _CHANNEL, _TOTAL = (str(kind) for kind in CreditSum.Kind.values)

# What registrations change in a sum: _COUNTS, then the units of each credit model.
_Amounts = tuple[int, ...]
# So many changes of one sum are kept before they are added up.
_CHANGES_AT_ONCE = 100


def _amount_columns() -> list[str]:
    return [*_COUNTS, *map(CreditSum.column_of, CREDIT_MODELS)]


class Sums:
    """Changes to sums, collected in memory."""

    def __init__(self) -> None:
        # (conference, kind, quarter) → name → changes
        self._changes: dict[tuple[str, str, int], dict[str, list[_Amounts]]] = {}

    def count(self, conference_id: str, ms: int, credits: Sequence[Credited], *, by: int) -> None:
        """Add (`by` = 1) or remove (-1) the credits of a registration at `ms`, nearest first."""
        quarter = ms // QUARTER_MS * QUARTER_MS
        ages = [item.age_ms for item in credits]
        each = [by] * len(ages)
        divided: list[Sequence[int]] = [model.divide(ages) for model in CREDIT_MODELS.values()]
        if by < 0:
            divided = [[-part for part in parts] for parts in divided]
        parts = list(zip(each, each, [by, *[0] * (len(ages) - 1)], *divided, strict=True))
        of_sharers = self._changes_of(conference_id, _SHARER, quarter)
        for name, amounts in _by_name([item.sharer for item in credits], parts):
            _collect(of_sharers, name, amounts)
        of_channels = self._changes_of(conference_id, _CHANNEL, quarter)
        for name, amounts in _by_name([item.channel for item in credits], parts):
            _collect(of_channels, name, amounts)

    def rename(self, conference_id: str, kind: str, name: str, other: str) -> None:
        """Move the stored sums of a name to another one."""
        start = QuarterSum.make_key(conference_id, kind, 0)
        rows = QuarterSum.of_kind(conference_id, kind).filter(id__endswith=f"/{name}")
        for key, *amounts in rows.values_list("id", *_amount_columns()):
            if key[len(start) :] != name:  # the end of a longer name
                continue
            changes = self._changes_of(conference_id, kind, QuarterSum.start_of(key))
            _collect(changes, other, tuple(amounts))
            _collect(changes, name, tuple(-amount for amount in amounts))

    def save(self) -> None:
        """Write the changes in the caller's transaction, which holds the lock."""
        quarters: dict[str, _Amounts] = {}
        of_all_time: dict[tuple[str, str, str], list[_Amounts]] = {}
        for (conference_id, kind, quarter), changes in self._with_totals():
            key = QuarterSum.make_key(conference_id, kind, quarter)
            for name, amounts in changes.items():
                if any(amounts):
                    quarters[key + name] = amounts
                    of_all_time.setdefault((conference_id, kind, name), []).append(amounts)
        self._changes = {}
        digest = digest_models()
        _save(
            QuarterSum,
            ("id",),
            [(key, *amounts, digest) for key, amounts in sorted(quarters.items())],
            kept=("models_digest",),
        )
        _save(CreditSum, _KEY, [(*key, *_add_up(parts)) for key, parts in sorted(of_all_time.items())])

    def _with_totals(self) -> Iterator[tuple[tuple[str, str, int], dict[str, _Amounts]]]:
        """The changes by (conference, kind, quarter), added up, and those of the totals."""
        for (conference_id, kind, quarter), changes in self._changes.items():
            added = {name: _add_up(parts) for name, parts in changes.items()}
            yield (conference_id, kind, quarter), added
            if kind == _CHANNEL and added:
                credits, _, direct, *units = _add_up(list(added.values()))
                # A registration has one direct credit, and may have several channels.
                yield (conference_id, _TOTAL, quarter), {"": (credits, direct, direct, *units)}

    def _changes_of(self, conference_id: str, kind: str, quarter: int) -> dict[str, list[_Amounts]]:
        return self._changes.setdefault((conference_id, kind, quarter), {})


def _by_name(names: Sequence[str], parts: Sequence[_Amounts]) -> Iterable[tuple[str, _Amounts]]:
    """What a registration changes in the sum of each name."""
    distinct = set(names)
    if len(distinct) == len(names):
        return zip(names, parts, strict=True)
    if len(distinct) == 1:
        return [(names[0], _of_one(parts))]
    found: dict[str, list[_Amounts]] = {}
    for name, amounts in zip(names, parts, strict=True):
        found.setdefault(name, []).append(amounts)
    return [(name, _of_one(theirs)) for name, theirs in found.items()]


def _of_one(parts: Sequence[_Amounts]) -> _Amounts:
    """Add up changes of one registration, which counts once."""
    credits, _, *others = _add_up(parts)
    return (credits, parts[0][1], *others)


def _collect(changes: dict[str, list[_Amounts]], name: str, amounts: _Amounts) -> None:
    known = changes.get(name)
    if known is None:
        changes[name] = [amounts]
        return
    known.append(amounts)
    if len(known) == _CHANGES_AT_ONCE:
        known[:] = [_add_up(known)]


def _add_up(parts: Sequence[_Amounts]) -> _Amounts:
    return parts[0] if len(parts) == 1 else tuple(map(sum, zip(*parts, strict=True)))


def _save(
    model: type[CreditSum | QuarterSum], keys: Sequence[str], rows: Sequence[Sequence[Any]],
    *, kept: Sequence[str] = (),
) -> None:  # fmt: skip
    """Add to stored sums, and delete those that have no credit any more.

    Each row has the values of `keys`, the amounts, then the values of `kept`.
    """
    bulk.add(model, keys, _amount_columns(), rows, kept=kept)
    place = len(keys)  # of the credits
    bulk.delete_empty(model, keys, "credits", [row[:place] for row in rows if row[place] < 0])


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
    sums = Sums()
    sums.rename(conference_id, _SHARER, sharer, name)
    sums.save()


def delete_sums(conference_ids: Collection[str]) -> None:
    for conference_id in conference_ids:
        QuarterSum.of_conference(conference_id).delete()
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
    """Note the conferences whose sums are not those of the registered models, e.g. because one is new."""
    digest = digest_models()
    totals = CreditSum.objects.filter(kind=_TOTAL).values_list("conference_id", flat=True)
    for conference_id in list(totals):
        if QuarterSum.of_kind(conference_id, _TOTAL).exclude(models_digest=digest).exists():
            StaleSums.objects.get_or_create(conference_id=conference_id)


def count_stale() -> None:
    """Count the sums of the conferences that wait for it."""
    for conference_id in StaleSums.objects.values_list("conference_id", flat=True):
        count_again(conference_id)
