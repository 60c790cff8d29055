"""Keep the sums of credits by sharer, by channel and in total, in the transactions that write the credits.

A sum is the sum of the stored credits (Credit, with the sharer and channel that each has there), so it is
right at every moment, also while registrations wait for their turn (StaleRegistration). Each sum is kept for
the quarter hour of the registrations, which is on one local day in every time zone, and for all time.
"""

import secrets
import struct
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from analytics.days.zones import QUARTER_MS
from sharing.derivation import bulk
from sharing.derivation.locks import lock_conferences
from sharing.derivation.store import load_opened
from sharing.models import ChannelCount, Credit, CreditSum, QuarterSum, QuarterVersion, ShareLink, StaleSums
from sharing.rules.attribution import Credited
from sharing.rules.credit_models import CREDIT_MODELS, digest_models
from sharing.rules.forest import Node

_KEY = ("conference_id", "kind", "name")
_COUNTS = ("credits", "registrations", "direct")
_CHANNEL_KEY = ("conference_id", "channel")
_CHANNEL_AMOUNTS = ("links", "opens", "openers")
_CREDITS_AT_ONCE = 5000
# Eight million additions of this size fit into the column.
_VERSION_BITS = 40
_SHARER, _CHANNEL, _TOTAL = (str(kind) for kind in CreditSum.Kind.values)

# The amounts by which a sum changes: _COUNTS, then the units of each credit model. They are packed into one
# integer, in which each has 64 bits: (2, -1) is 2 + (-1 << 64). So one addition adds them all, in half the
# time of adding one by one (docs/performance.md). Any may be negative; none reaches 2**63.
_Packed = int
_BITS = 64
_A_REGISTRATION = 1 << _BITS * _COUNTS.index("registrations")


def _amount_columns() -> list[str]:
    return [*_COUNTS, *map(CreditSum.column_of, CREDIT_MODELS)]


def _pack(amounts: Iterable[int]) -> _Packed:
    """Pack amounts, in the order of _amount_columns."""
    return sum(amount << _BITS * place for place, amount in enumerate(amounts))


class Sums:
    """Changes to sums, collected in memory."""

    def __init__(self) -> None:
        # (conference, kind, quarter) → name → change
        self._changes: dict[tuple[str, str, int], dict[str, _Packed]] = {}
        self._with_ages = [
            (_BITS * place, model)
            for place, model in enumerate(CREDIT_MODELS.values(), start=len(_COUNTS))
            if model.uses_ages
        ]
        # What the other models give each place of a chain, by its length.
        self._without_ages: dict[int, list[_Packed]] = {}

    def count(self, conference_id: str, ms: int, credits: Sequence[Credited], *, by: int) -> None:
        """Add (`by` = 1) or remove (-1) the credits of a registration at `ms`, nearest first."""
        quarter = ms // QUARTER_MS * QUARTER_MS
        parts = self._divide([item.age_ms for item in credits])
        if by < 0:
            parts = [-part for part in parts]
        for kind, names in (
            (_SHARER, [item.sharer for item in credits]),
            (_CHANNEL, [item.channel for item in credits]),
        ):
            sums = self._changes_of(conference_id, kind, quarter)
            distinct = set(names)
            if len(distinct) == 1:
                sums[names[0]] += sum(parts)
            else:
                for name, part in zip(names, parts, strict=True):
                    sums[name] += part
            if len(distinct) < len(names):
                for name in distinct:  # a registration counts once
                    sums[name] -= by * (names.count(name) - 1) * _A_REGISTRATION

    def _divide(self, ages: Sequence[int]) -> list[_Packed]:
        """What a registration adds to the sum of each place of its chain."""
        length = len(ages)
        parts = self._without_ages.get(length)
        if parts is None:
            parts = self._without_ages[length] = _divide_without_ages(length)
        for shift, model in self._with_ages:
            parts = [part + (units << shift) for part, units in zip(parts, model.divide(ages), strict=True)]
        return parts

    def rename(self, conference_id: str, kind: str, name: str, other: str) -> None:
        """Move the stored sums of a name to another one."""
        start = QuarterSum.make_key(conference_id, kind, 0)
        rows = QuarterSum.of_kind(conference_id, kind).filter(id__endswith=f"/{name}")
        for key, *amounts in rows.values_list("id", *_amount_columns()):
            if key[len(start) :] != name:  # the end of a longer name
                continue
            changes = self._changes_of(conference_id, kind, QuarterSum.start_of(key))
            changes[other] += _pack(amounts)
            changes[name] -= _pack(amounts)

    def save(self) -> None:
        """Write the changes in the caller's transaction, which holds the lock."""
        unpack = _make_unpacker()
        digest = digest_models()
        quarters: list[tuple[Any, ...]] = []
        of_all_time: dict[tuple[str, str, str], list[tuple[int, ...]]] = {}
        changed: set[str] = set()
        for (conference_id, kind, quarter), changes in self._with_totals():
            key = QuarterSum.make_key(conference_id, kind, quarter)
            if any(changes.values()):
                changed.add(QuarterSum.make_key(conference_id, _TOTAL, quarter))
            for name, change in changes.items():
                if change:
                    amounts = unpack(change)
                    quarters.append((key + name, *amounts, digest))
                    of_all_time.setdefault((conference_id, kind, name), []).append(amounts)
        self._changes = {}
        _save(QuarterSum, ("id",), sorted(quarters), kept=("models_digest",))
        _save(CreditSum, _KEY, sorted((*key, *_add_up(parts)) for key, parts in of_all_time.items()))
        # Random, so that a row that is deleted and made again has another number, too.
        versions = [(key, 1 + secrets.randbits(_VERSION_BITS)) for key in sorted(changed)]
        bulk.add(QuarterVersion, ("id",), ("number",), versions)

    def _with_totals(self) -> Iterator[tuple[tuple[str, str, int], dict[str, _Packed]]]:
        """The changes by (conference, kind, quarter), and those of the totals."""
        unpack = _make_unpacker()
        for (conference_id, kind, quarter), changes in self._changes.items():
            yield (conference_id, kind, quarter), changes
            if kind == _CHANNEL:
                # A registration has one direct credit, and may have several channels.
                credits, _, direct, *units = unpack(sum(changes.values()))
                yield (conference_id, _TOTAL, quarter), {"": _pack([credits, direct, direct, *units])}

    def _changes_of(self, conference_id: str, kind: str, quarter: int) -> dict[str, _Packed]:
        return self._changes.setdefault((conference_id, kind, quarter), defaultdict(int))


def _divide_without_ages(length: int) -> list[_Packed]:
    """The credits of chains of this length: their number, and units under the models that do not use ages."""
    nothing = [0] * length
    units = [nothing if model.uses_ages else model.divide(nothing) for model in CREDIT_MODELS.values()]
    direct = [1, *nothing[1:]]
    return [_pack(amounts) for amounts in zip([1] * length, [1] * length, direct, *units, strict=True)]


def _make_unpacker() -> Callable[[_Packed], tuple[int, ...]]:
    """The inverse of _pack, for the credit models that are registered now."""
    count = len(_amount_columns())
    unpack = struct.Struct(f"<{count}q").unpack
    signs = _pack([1 << _BITS - 1] * count)
    # Adding 2**63 to each makes all positive, so that none borrows from the next. Without carrying, they are
    # the amounts again, in two's complement.
    return lambda packed: unpack((packed + signs ^ signs).to_bytes(_BITS // 8 * count, "little"))


def _add_up(parts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
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
        QuarterVersion.objects.filter(id__gte=f"{conference_id}/", id__lt=f"{conference_id}0").delete()
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
