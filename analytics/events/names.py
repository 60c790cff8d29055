"""Finding the declared field that a misspelt name probably means."""

from functools import lru_cache

from analytics.event_types import EventType

_SHORTEST = 5  # a shorter name with one letter changed is another word
_LONGEST = 32


def find_declared(event_type: type[EventType], name: str) -> str | None:
    """The field that `name` probably means: written another way (`visitorId`) or misspelt (`refferer`).

    Names are alike when they become equal by leaving out at most one letter of each: an exchanged, a
    missing, a doubled letter or two neighbours swapped. The idea is SymSpell's; it costs a lookup a letter,
    where a distance to every name would cost far more, and clients choose how many names there are.
    """
    if len(name) > _LONGEST:
        return None
    exact, shortened = _make_tables(event_type)
    normal = _normalise(name)
    if normal in exact:
        return exact[normal]
    return next((shortened[part] for part in (normal, *_shortened(normal)) if part in shortened), None)


@lru_cache(maxsize=256)
def _make_tables(event_type: type[EventType]) -> tuple[dict[str, str], dict[str, str]]:
    """The declared names by normalised name, and by a normalised name with at most one letter left out."""
    names = {_normalise(name): name for name in ("type", *event_type.__struct_fields__)}
    shortened = {part: name for normal, name in names.items() for part in _shortened(normal)}
    return names, {
        **shortened,
        **{normal: name for normal, name in names.items() if len(normal) >= _SHORTEST},
    }


def _normalise(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _shortened(normal: str) -> list[str]:
    if len(normal) < _SHORTEST:
        return []
    return [normal[:position] + normal[position + 1 :] for position in range(len(normal))]
