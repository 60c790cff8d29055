"""The figures of a (conference, local day), counted from the stored events.

Each event type names the figures that it feeds (analytics/event_types); apps that know more than the
events themselves add theirs with `@figures_from`. What each number means: docs/definitions.md.
"""

import datetime as dt
from collections.abc import Callable

from analytics import store
from analytics.days import attendance
from analytics.event_types import ATTENDANCE_TYPES, EVENT_TYPES, Figure, all_figure_names
from analytics.store import DayCount

# The contract's figures come first, in its order; those of further types and apps follow.
_FIRST = ("pv", "uv", "registrations", "checkins", "shares", "share_conversions")

# Page views of bots. No other figure counts what bots do.
BOTS = "bots"

Provider = Callable[[str, dt.date], dict[str, int]]

_providers: list[tuple[tuple[str, ...], Provider]] = []


def figures_from(*names: str) -> Callable[[Provider], Provider]:
    """Register a function that computes the figures `names` of (conference id, local date).

    It must be a pure function of what is committed when it is called. The code that changes that must mark
    the day dirty afterwards (analytics/days/dirty.py).
    """

    def register(provider: Provider) -> Provider:
        _providers.append((names, provider))
        return provider

    return register


def figure_names() -> list[str]:
    """All figures in the order in which summaries and CSV columns have them."""
    names = [
        *all_figure_names(),
        *attendance.FIGURES,
        BOTS,
        *(name for names, _ in _providers for name in names),
    ]
    if len(set(names)) < len(names):
        raise ValueError(f"a figure is defined twice: {names}")
    return sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


def compute_figures(conference_id: str, date: dt.date) -> dict[str, int]:
    """The figures of one day by name, 0 where nothing happened.

    The index `event_day_figures` covers the counting: its cost goes with the day's own events, however many
    others are stored. Days with registrations or check-ins cost a few queries more.
    """
    counts = store.count_day(conference_id, date)
    figures: dict[str, int] = {}
    for type_name, event_type in EVENT_TYPES.items():
        count = counts.get(type_name, DayCount(0, 0))
        for name, figure in event_type.figures.items():
            figures[name] = count.events if figure is Figure.EVENTS else count.distinct_subjects
    if counts.keys() & ATTENDANCE_TYPES:
        figures.update(attendance.count_attendance(conference_id, date))
    else:
        figures.update(dict.fromkeys(attendance.FIGURES, 0))
    figures[BOTS] = store.count_views(conference_id, date, is_bot=True)
    for names, provider in _providers:
        given = provider(conference_id, date)
        figures.update({name: given[name] for name in names})
    return {name: figures[name] for name in figure_names()}
