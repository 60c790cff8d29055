"""How many reports of registrations and check-ins count within an hour; more are held.

A report is what only a client says. Anybody can send any number of them, so beyond a quota of the client and
one of the conference they are stored as held: they count nowhere until an organizer releases them
(analytics/holding.py). Redis remembers for an hour which events were admitted, so an event that is delivered
again gets the same answer; once it is stored, its first copy decides.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

from analytics.event_types import is_confirmed
from analytics.events.rows import EventRow
from analytics.models import Event
from meeteasy.core.redis import get_redis

_REPORTED_TYPES = frozenset({"registration", "checkin"})
_HOUR_MS = 3_600_000
_REMEMBERED_SECONDS = 2 * 3_600  # longer than the hour: entries may wait in the stream
_AT_ONCE = 500

# For each member two sets, of its client and of its conference in that hour. Neither ever holds more than its
# limit, however much is sent.
_ADMIT = """
local held = {}
for number = 4, #ARGV do
  local member, full, known = ARGV[number], false, false
  for which = 1, 2 do
    local key, limit = KEYS[(number - 4) * 2 + which], tonumber(ARGV[which])
    if key ~= '' and limit > 0 then
      if redis.call('SISMEMBER', key, member) == 1 then known = true
      elseif redis.call('SCARD', key) >= limit then full = true end
    end
  end
  if full and not known then
    held[#held + 1] = number - 4
  elseif not known then
    for which = 1, 2 do
      local key = KEYS[(number - 4) * 2 + which]
      if key ~= '' and tonumber(ARGV[which]) > 0 then
        redis.call('SADD', key, member)
        redis.call('EXPIRE', key, ARGV[3])
      end
    end
  end
end
return held
"""


def hold_reports(rows: Sequence[EventRow]) -> None:
    """Mark the reports among `rows` that are beyond a quota as held. Raises redis.RedisError."""
    limits = settings.REPORTS_PER_CLIENT_HOUR, settings.REPORTS_PER_CONFERENCE_HOUR
    if not any(limits):
        return
    reports = [row for row in rows if _is_report(row)]
    for start in range(0, len(reports), _AT_ONCE):
        some = reports[start : start + _AT_ONCE]
        keys = [key for row in some for key in _keys(row)]
        members = [hashlib.blake2b(row.key.encode(), digest_size=12).digest() for row in some]
        held: Any = _script()(keys=keys, args=[*limits, _REMEMBERED_SECONDS, *members], client=get_redis())
        for number in held:
            some[number].hold = Event.Hold.HELD


def _is_report(row: EventRow) -> bool:
    """Imported lines have no client, and crawlers' events count nowhere."""
    is_reported = row.client != "" and not is_confirmed(row.event_id)
    return is_reported and row.type in _REPORTED_TYPES and not row.is_bot


def _keys(row: EventRow) -> tuple[str, str]:
    hour = row.received_ms // _HOUR_MS
    # Ids of conferences that do not exist are the client's choice, and would be any number of keys.
    of_conference = f"reports:{hour}:conference:{row.conference_id}" if row.local_date else ""
    return f"reports:{hour}:client:{row.client}", of_conference


@lru_cache(maxsize=1)
def _script() -> redis.commands.core.Script:
    return get_redis().register_script(_ADMIT)
