"""Publishing to open sockets. Workers (live/event_handlers.py), signals, and hubs (for PV) call it."""

import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from analytics.selectors.live import get_live
from conferences.models import Conference
from live import groups, log
from meeteasy.core.redis import get_redis, take_gate

# At most two `pv` messages a second per conference, at least this far apart.
PV_GATE_MS = 510
# A slow count is repeated less often: 5 % of a core at most, however many events come.
_SHARE_OF_A_CORE = 0.05
# How long a process that dies while counting blocks the others.
_COUNTING_MS = 30_000
_LONGEST_GATE_MS = 600_000


def publish_alerts(
    conference_id: str, alerts: Sequence[log.Alert], *, rest_type: str, rest: int = 0, **shared: Any
) -> int:
    """Send each alert that was not sent before. Arguments and result are those of live.log.append_alerts."""
    new = log.append_alerts(conference_id, alerts, rest_type=rest_type, rest=rest, **shared)
    if new:
        groups.wake(conference_id)
    return new


def note_page_views(conference_ids: Iterable[str]) -> None:
    """Note that the PV of these conferences changed. A watching hub counts and sends it (publish_pv),
    because only a process that can wait may send the last count after a burst."""
    pipeline = get_redis().pipeline(transaction=False)
    for conference_id in conference_ids:
        # A name for this change. It only has to be new.
        pipeline.set(log.key(conference_id, "pv"), uuid.uuid4().hex, ex=86_400)
    pipeline.execute()


def publish_pv(conference_id: str) -> None:
    """Count today's figures and send them as `pv`, unless another process does so now or just did.

    The change is read before the count. Page views stored during the count make a newer change, which the
    next look finds and counts.
    """
    client = get_redis()
    gate = log.key(conference_id, "pv:gate")
    if not take_gate(client, gate, milliseconds=_COUNTING_MS, longest=_LONGEST_GATE_MS):
        return
    version: bytes = client.get(log.key(conference_id, "pv")) or b""  # type: ignore[assignment]
    conference = Conference.objects.filter(id=conference_id).first()
    if conference is None:
        return
    started = time.monotonic()
    try:
        body = pv_body(conference, fresh=True)
    except Exception:
        client.delete(gate)
        raise
    took_ms = (time.monotonic() - started) * 1000
    gate_ms = min(_LONGEST_GATE_MS, max(PV_GATE_MS, round(took_ms / _SHARE_OF_A_CORE)))
    log.append_pv(conference_id, body, version=version, gate_ms=gate_ms)
    groups.wake(conference_id)


def pv_body(conference: Conference, *, fresh: bool = False) -> dict[str, Any]:
    """Build the `pv` message: today's page views and visitors, and the visitors now (docs/definitions.md)."""
    figures = get_live(conference, fresh=fresh)
    return {"type": "pv", **{name: figures[name] for name in ("date", "pv", "uv", "visitors_now")}}
