"""Sums of credits under a model: in total, by sharer, and by channel.

All time is a range of an index of stored sums (sharing/derivation/sums.py). A range of days adds up the
stored sums of its quarter hours.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Annotated, Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum, Window
from django.db.models.functions import Substr

from conferences.models import Conference
from meeteasy.core.paging import encode_cursor, read_cursor
from sharing.models import ChannelCount, CreditSum, QuarterSum
from sharing.rules.credit_models import SCALE
from sharing.selectors.conversions import count_conversions
from sharing.selectors.days import Range, get_bounds
from sharing.selectors.quarters import SumsOfDays, add_up_days

_Kind = CreditSum.Kind
_Units = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]  # PostgreSQL refuses even to compare NUL


# What nearly all requests ask for, not by the ORM, which takes longer to write it than a database to answer.
_OF_KIND = "FROM sharing_creditsum WHERE conference_id = %s AND kind = %s"
_TOTAL = f"SELECT COALESCE(SUM(credits), 0) {_OF_KIND}"
_ROWS = f"SELECT name, {{units}}, credits, registrations, direct {_OF_KIND}"
_COUNT = f"SELECT COUNT(*) {_OF_KIND}"


class SumRow(NamedTuple):
    """The credits of a sharer or channel under a model, in units of 1/SCALE."""

    name: str
    units: int = 0
    credits: int = 0
    registrations: int = 0
    direct: int = 0

    @property
    def credit(self) -> float:
        return self.units / SCALE

    @property
    def assisted(self) -> int:
        return self.credits - self.direct


class SumPage(NamedTuple):
    """A page of sums, highest first and then by name, each with its rank; equal sums share a rank.

    total: the number of rows on all pages. next: the cursor of the next page.
    """

    rows: list[tuple[int, SumRow]]
    total: int
    next: str | None


def get_totals(conference: Conference, days: Range) -> dict[str, int]:
    """The number of distinct share conversions, of those that are only reported, and of their credits."""
    if days == (None, None):
        with connection.cursor() as cursor:
            cursor.execute(_TOTAL, [conference.id, str(_Kind.TOTAL)])
            credits = cursor.fetchone()[0]
    else:
        credits = _find_quarters(conference, _Kind.TOTAL, days).aggregate(sum=Sum("credits"))["sum"] or 0
    return {**count_conversions(conference, days), "credits": credits}


def count_sharers(conference: Conference) -> int:
    """The number of distinct sharers who have a credit, of all time."""
    return CreditSum.objects.filter(conference_id=conference.id, kind=_Kind.SHARER).count()


def get_leaderboard(
    conference: Conference, days: Range, model: str, *, limit: int, cursor: str = ""
) -> SumPage:
    """Sharers by their credit under a model. Raises BadCursorError."""
    after = _read_cursor(cursor)
    ranking = _rank_sharers(conference, model, days)
    if after is None:
        found, count = ranking.read_first(limit + 1)
    else:
        found, count = ranking.read(after, limit + 1), ranking.count()
    return _make_page(ranking, found, limit, count, is_first=after is None)


def get_channels(
    conference: Conference, days: Range, model: str, *, limit: int, cursor: str = ""
) -> tuple[SumPage, dict[str, ChannelCount]]:
    """Channels by their credit under a model, and what their links count. Raises BadCursorError.

    What links count (ChannelCount) is of all time. Channels without credit come last.
    """
    after = _read_cursor(cursor)
    ranking = _make_ranking(conference, _Kind.CHANNEL, model, days)
    channels = ChannelCount.objects.filter(conference_id=conference.id)
    found: list[SumRow] = []
    if after is None or after[0] > 0:
        found = [row for row in ranking.read(after, limit + 1) if row.units > 0]
        after = None
    if len(found) <= limit:
        rest = channels if after is None else channels.filter(channel__gt=after[1])
        names = ranking.without_credit(rest.order_by("channel"))
        found += ranking.fill(list(islice(names, limit + 1 - len(found))))
    count = channels.count() + ranking.count_unknown(channels)
    page = _make_page(ranking, found, limit, count, is_first=not cursor)
    shown = channels.filter(channel__in=[row.name for _, row in page.rows])
    return page, {row.channel: row for row in shown}


def _make_page(
    ranking: "_Ranking", found: list[SumRow], limit: int, count: int, *, is_first: bool
) -> SumPage:
    rows: list[tuple[int, SumRow]] = []
    if found:
        position, rank = (1, 1) if is_first else ranking.find_position(found[0])
        for place, row in enumerate(found[:limit], start=position):
            if rows and row.units != rows[-1][1].units:
                rank = place
            rows.append((rank, row))
    following = None
    if len(found) > limit:
        following = encode_cursor(rows[-1][1].units, rows[-1][1].name)
    return SumPage(rows, count, following)


class _AllTime:
    """The sums of all time of one kind under one model, read from an index."""

    def __init__(self, conference: Conference, kind: _Kind, model: str) -> None:
        self._of = [conference.id, str(kind)]
        self._column = CreditSum.column_of(model)

    @cached_property
    def _sums(self) -> QuerySet[Any]:
        conference_id, kind = self._of
        sums = CreditSum.objects.filter(conference_id=conference_id, kind=kind)
        return sums.annotate(units=F(self._column))

    def count(self) -> int:
        return self._count("")

    def read_first(self, limit: int) -> tuple[list[SumRow], int]:
        """The highest sums, and how many sums there are."""
        return self.read(None, limit), self.count()

    def read(self, after: tuple[int, str] | None, limit: int) -> list[SumRow]:
        """The next sums after one of them (units, name), or the first."""
        if after is None:
            return self._read(limit, "")
        units, name = after
        found = self._read(limit, " AND {units} = %s AND name > %s", units, name)
        return found + self._read(limit - len(found), " AND {units} < %s", units)

    def find_position(self, row: SumRow) -> tuple[int, int]:
        """The position of a row, and its rank, both counted from 1."""
        higher = self._count(" AND {units} > %s", row.units)
        before = self._count(" AND {units} = %s AND name < %s", row.units, row.name)
        return higher + before + 1, higher + 1

    def _read(self, limit: int, condition: str, *values: int | str) -> list[SumRow]:
        if not limit:
            return []
        sql = f"{_ROWS}{condition} ORDER BY {{units}} DESC, name LIMIT %s"
        with connection.cursor() as cursor:
            cursor.execute(sql.format(units=self._column), [*self._of, *values, limit])
            return [SumRow(*row) for row in cursor.fetchall()]

    def _count(self, condition: str, *values: int | str) -> int:
        with connection.cursor() as cursor:
            cursor.execute((_COUNT + condition).format(units=self._column), [*self._of, *values])
            return int(cursor.fetchone()[0])

    def without_credit(self, channels: QuerySet[ChannelCount]) -> Iterator[str]:
        """The names of those channels that have no credit."""
        credited = self._sums.filter(name=OuterRef("channel"), units__gt=0)
        return channels.filter(~Exists(credited)).values_list("channel", flat=True).iterator()

    def fill(self, names: list[str]) -> list[SumRow]:
        """The sums of these names; zeros if there are none."""
        found = {row.name: row for row in _read_rows(self._sums.filter(name__in=names))}
        return [found.get(name, SumRow(name)) for name in names]

    def count_unknown(self, channels: QuerySet[ChannelCount]) -> int:
        """The number of credited channels that are not among these: nobody has shared their links yet."""
        credited = self._sums.filter(units__gt=0)
        return credited.filter(~Exists(channels.filter(channel=OuterRef("name")))).count()


class _OfDays:
    """The sums of a range of days, added up from those of quarter hours."""

    def __init__(self, sums: QuerySet[QuarterSum], model: str, *, start_of_name: int) -> None:
        # A sharer may have a row in each quarter hour: the database adds them up several times faster.
        self._added = (
            sums.order_by()
            .annotate(name=Substr("id", start_of_name))
            .values_list("name")
            .annotate(
                of_model=Sum(QuarterSum.column_of(model)),
                of_credits=Sum("credits"),
                of_registrations=Sum("registrations"),
                of_direct=Sum("direct"),
            )
        )

    @cached_property
    def _by_name(self) -> dict[str, SumRow]:
        return {row[0]: SumRow(*row) for row in self._added.iterator(chunk_size=5000)}

    @cached_property
    def _rows(self) -> list[SumRow]:
        return sorted(self._by_name.values(), key=_sort_key)

    def read_first(self, limit: int) -> tuple[list[SumRow], int]:
        # The database sorts and counts, too, so that only these rows become objects.
        highest = self._added.annotate(total=Window(Count("*"))).order_by("-of_model", "name")[:limit]
        rows = list(highest)
        return [SumRow(*row[:-1]) for row in rows], rows[0][-1] if rows else 0

    def count(self) -> int:
        return len(self._rows)

    def read(self, after: tuple[int, str] | None, limit: int) -> list[SumRow]:
        start = 0 if after is None else bisect_right(self._rows, (-after[0], after[1]), key=_sort_key)
        return self._rows[start : start + limit]

    def find_position(self, row: SumRow) -> tuple[int, int]:
        higher = bisect_left(self._rows, -row.units, key=lambda found: -found.units)
        return bisect_left(self._rows, _sort_key(row), key=_sort_key) + 1, higher + 1

    def without_credit(self, channels: QuerySet[ChannelCount]) -> Iterator[str]:
        for channel in channels.values_list("channel", flat=True).iterator():
            row = self._by_name.get(channel)
            if row is None or row.units == 0:
                yield channel

    def fill(self, names: list[str]) -> list[SumRow]:
        return [self._by_name.get(name, SumRow(name)) for name in names]

    def count_unknown(self, channels: QuerySet[ChannelCount]) -> int:
        names = [row.name for row in self._rows if row.units > 0]
        known = sum(
            channels.filter(channel__in=names[start : start + 500]).count()
            for start in range(0, len(names), 500)
        )
        return len(names) - known


class _Remembered:
    """The sums of sharers in a range of days, added up from what this process remembers."""

    def __init__(self, sums: SumsOfDays) -> None:
        self._sums = sums

    def read_first(self, limit: int) -> tuple[list[SumRow], int]:
        return self.read(None, limit), self.count()

    def count(self) -> int:
        return self._sums.count()

    def read(self, after: tuple[int, str] | None, limit: int) -> list[SumRow]:
        sums = self._sums
        return [
            SumRow(sums.names[place], int(sums.units[place]), *sums.counts[:, place].tolist())
            for place in sums.find_next(after, limit)
        ]

    def find_position(self, row: SumRow) -> tuple[int, int]:
        return self._sums.find_position(row.units, row.name)


_Ranking = _AllTime | _OfDays | _Remembered


def _rank_sharers(conference: Conference, model: str, days: Range) -> _Ranking:
    if not _covers_all(conference, days):
        sums = add_up_days(conference.id, model, *get_bounds(conference, days))
        if sums is not None:
            return _Remembered(sums)
    return _make_ranking(conference, _Kind.SHARER, model, days)


def _make_ranking(conference: Conference, kind: _Kind, model: str, days: Range) -> _AllTime | _OfDays:
    if _covers_all(conference, days):
        return _AllTime(conference, kind, model)
    start_of_name = len(QuarterSum.make_key(conference.id, kind, 0)) + 1
    return _OfDays(_find_quarters(conference, kind, days), model, start_of_name=start_of_name)


def _covers_all(conference: Conference, days: Range) -> bool:
    """Whether no credit lies outside the days, so that their sums are those of all time."""
    first, last = days
    before = first and (None, first - dt.timedelta(days=1))
    after = last and (last + dt.timedelta(days=1), None)
    return not any(
        _find_quarters(conference, _Kind.TOTAL, outside).exists() for outside in (before, after) if outside
    )


def _find_quarters(conference: Conference, kind: _Kind, days: Range) -> QuerySet[QuarterSum]:
    return QuarterSum.of_kind(conference.id, kind, *get_bounds(conference, days))


def _read_rows(sums: QuerySet[Any]) -> list[SumRow]:
    values = sums.values_list("name", "units", "credits", "registrations", "direct")
    return [SumRow(*row) for row in values]


def _read_cursor(cursor: str) -> tuple[int, str] | None:
    """Units and name of the row before the page. Raises BadCursorError."""
    if not cursor:
        return None
    units, name = read_cursor(cursor, tuple[_Units, _Name])
    return units, name


def _sort_key(row: SumRow) -> tuple[int, str]:
    return (-row.units, row.name)
