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
    table = _make_table(event_type)
    normal = _normalise(name)
    return table.get(normal) or next((table[part] for part in _shortened(normal) if part in table), None)


@lru_cache(maxsize=256)
def _make_table(event_type: type[EventType]) -> dict[str, str]:
    """Normalised names, and these with a letter left out, to the declared name."""
    names = {_normalise(name): name for name in ("type", *event_type.__struct_fields__)}
    table = {part: name for normal, name in names.items() for part in _shortened(normal)}
    return {**table, **names}


def _normalise(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _shortened(normal: str) -> list[str]:
    if len(normal) < _SHORTEST:
        return []
    return [normal[:position] + normal[position + 1 :] for position in range(len(normal))]
