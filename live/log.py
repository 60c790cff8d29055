"""The numbered messages of a conference: a bounded Redis stream whose entry ids are the numbers.

Each number is one more than the last. Without a last one (a new or expired log, or Redis lost its data) the
count starts from the clock, in milliseconds since 1970, which is always higher than any earlier number. So
numbers never repeat, and a client that misses a message sees a gap.

Scripts number, append and de-duplicate in one step. So two publishers cannot take the same number, and a
publisher cannot die between remembering an alert and appending it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from redis.commands.core import Script

from meeteasy.core.redis import get_redis

# Messages kept for clients that missed some: minutes of a busy conference. Redis trims in steps of 100.
KEPT = 1000
_TTL_SECONDS = 86_400
# How long a sent alert is remembered. Events redelivered later than that waited for a worker that was down
# for long. Their alerts are too old to be sent one by one (live/event_handlers.py).
_DEDUPE_SECONDS = 86_400
# A delivery's alerts beyond this number become one message that counts them.
MAX_ALERTS_AT_ONCE = 20

_APPEND = f"""
local function append(log, body)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  local seq
  if last[1] then
    seq = tonumber(string.match(last[1][1], '^%d+')) + 1
  else
    local now = redis.call('TIME')
    seq = now[1] * 1000 + math.floor(now[2] / 1000)
  end
  redis.call('XADD', log, 'MAXLEN', '~', {KEPT}, string.format('%.0f-0', seq), 'm', body)
  redis.call('EXPIRE', log, {_TTL_SECONDS})
end
"""
# KEYS: log, a key for each alert. ARGV: the size of the rest so far, the start of the message that counts the
# rest (all before its number), then a body for each alert. Returns how many of the alerts were new.
_ALERTS = f"""
local new, rest = 0, tonumber(ARGV[1])
for i = 2, #KEYS do
  if redis.call('SET', KEYS[i], 1, 'NX', 'EX', {_DEDUPE_SECONDS}) then
    new = new + 1
    if new <= {MAX_ALERTS_AT_ONCE} then append(KEYS[1], ARGV[i + 1]) else rest = rest + 1 end
  end
end
if rest > 0 then append(KEYS[1], ARGV[2] .. rest .. '}}') end
return new + tonumber(ARGV[1])
"""
# KEYS: log. Returns the id of the last entry. If there is none, it adds an entry that is not a message.
_LAST = """
if redis.call('EXISTS', KEYS[1]) == 0 then append(KEYS[1], '') end
return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
"""
# KEYS: log, gate, version shown, last body. ARGV: gate in ms, version, body. Skips an unchanged body.
_PV = f"""
if redis.call('GET', KEYS[4]) ~= ARGV[3] then append(KEYS[1], ARGV[3]) end
redis.call('SET', KEYS[4], ARGV[3], 'EX', {_TTL_SECONDS})
redis.call('SET', KEYS[3], ARGV[2], 'EX', {_TTL_SECONDS})
redis.call('SET', KEYS[2], 1, 'PX', ARGV[1])
"""


@dataclass(frozen=True)
class Alert:
    """An alert to send once. `key` names the fact, e.g. "registration:0199…"; `body` is the message."""

    key: str
    body: dict[str, Any]


@lru_cache(maxsize=3)
def _script(source: str) -> Script:
    return get_redis().register_script(_APPEND + source)


def key(conference_id: str, part: str = "log") -> str:
    return f"live:{{{conference_id}}}:{part}"


def append_alerts(
    conference_id: str, alerts: Sequence[Alert], *, rest_type: str, rest: int = 0, **shared: Any
) -> int:
    """Append the alerts that were not sent before. Returns the number of new alerts plus `rest`.

    rest_type: the type of the message that counts the alerts beyond MAX_ALERTS_AT_ONCE. Its count starts
        at `rest`. shared: fields at the end of all messages.
    """
    if not alerts and not rest:
        return 0
    encode = msgspec.json.encode
    more = encode({"type": rest_type, **shared})[:-1] + b',"more":'
    new: int = _script(_ALERTS)(
        keys=[key(conference_id), *(key(conference_id, f"told:{alert.key}") for alert in alerts)],
        args=[rest, more, *(encode({**alert.body, **shared}) for alert in alerts)],
    )
    return new


def append_pv(conference_id: str, body: dict[str, Any], *, version: bytes, gate_ms: int) -> None:
    """Append a `pv` message unless it equals the last one, and close the gate for `gate_ms`."""
    _script(_PV)(
        keys=[key(conference_id, part) for part in ("log", "pv:gate", "pv:shown", "pv:last")],
        args=[gate_ms, version, msgspec.json.encode(body)],
    )


def last_seq(conference_id: str) -> int:
    """Return the number of the last message. Starts the count if there is none."""
    return seq_of(_script(_LAST)(keys=[key(conference_id)]))


def seq_of(entry_id: bytes) -> int:
    return int(entry_id.split(b"-", 1)[0])


def render(seq: int, body: bytes) -> str:
    """Return the text that sockets get: the JSON object `body` with `seq` in front."""
    return f'{{"seq":{seq},{body[1:].decode()}'
