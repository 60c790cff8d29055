"""The door: desks that scan badges as fast as they can, and what is counted afterwards.

    python -m benchmarks.door [--desks 20] [--badges 2000] [--rounds 1] [--databases sqlite …] [--smoke]

Two web processes. Each desk is a client of its own with one request under way, as the desk's page makes them:
signed in, with CSRF token and Idempotency-Key. Every badge is scanned at two desks, so half of the scans must
be "already in". Afterwards there is one check-in a badge, and the gates' entries are as many as the badges.
"""

import asyncio
import json
import secrets
import time
from typing import Any

import httpx

from benchmarks.harness.processes import Lab, open_lab_on, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report

_FILL = """
import datetime as dt, json
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone
from conferences import badges
from conferences.models import Conference, Registration
Registration.objects.filter(conference_id="test").delete()
conference = Conference.objects.get(id="test")
now = timezone.now() - dt.timedelta(days=1)
rows = [
    Registration(
        conference=conference, name=f"Guest {{n}}", email=f"g{{n}}@example.com", state="approved",
        source="import", registered_at=now, search_text=f"guest {{n}}",
    )
    for n in range({badges})
]
Registration.objects.bulk_create(rows, batch_size=500)
client = Client()
client.force_login(User.objects.get(username="organizer"))
print(json.dumps([client.cookies["sessionid"].value, [badges.make_code(row) for row in rows]]))
"""
_COUNT = """
import json
from django.utils import timezone
from conferences.models import CheckIn, Conference, Passage
from conferences.selectors.desk import count_door
counts = count_door(Conference.objects.get(id="test"), now=timezone.now())
active = CheckIn.objects.filter(undone_at=None).count()
superseded = CheckIn.objects.exclude(superseded_by=None).count()
print(json.dumps([active, Passage.objects.count(), counts.inside, sum(counts.gates.values()), superseded]))
"""
_LIST = """
import json, time
from django.utils import timezone
from conferences.models import Conference
from conferences.selectors.desk import make_list
begin = time.perf_counter()
found = json.dumps(make_list(Conference.objects.get(id="test"), now=timezone.now(), language="en"))
print(json.dumps([time.perf_counter() - begin, len(found)]))
"""


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--desks", type=int, default=20)
    parser.add_argument("--badges", type=int, default=2000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.desks, options.badges, options.databases = 1, 3, 12, ["sqlite"]
    use_two_cores()

    results: dict[str, Any] = {}
    targets: list[dict[str, Any]] = []
    for name in options.databases:
        with open_lab_on(name) as lab:
            lab.start("web")
            rounds = [_measure(lab, options) for _ in range(options.rounds)]
        results[name] = {"rounds": rounds}
        targets += [
            target(
                f"{name}: scans a second", median(found["scans_per_second"] for found in rounds), at_least=40
            ),
            target(f"{name}: p99, ms", median(found["p99_ms"] for found in rounds), at_most=1500),
            target(f"{name}: rounds with exact counts", sum(found["exact"] for found in rounds),
                   at_least=options.rounds),
        ]  # fmt: skip
    write_report("door", options, results=results, targets=targets)


def _measure(lab: Lab, options: Any) -> dict[str, Any]:
    session, codes = json.loads(_shell(lab, _FILL.format(badges=options.badges)))
    seconds, times, outcomes, refusals = asyncio.run(_scan(lab.url, session, codes, desks=options.desks))
    active, passages, inside, entries, superseded = json.loads(_shell(lab, _COUNT))
    times.sort()
    found = {
        "scans_per_second": len(times) / seconds,
        "p50_ms": times[len(times) // 2],
        "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)],
        "outcomes": outcomes,
        "refusals": refusals,
        "counts": {
            "check_ins": active,
            "passages": passages,
            "inside": inside,
            "entries": entries,
            "superseded": superseded,
        },
        # A scan that another one overtook on its way is a welcome that was corrected.
        "exact": outcomes == {"welcome": len(codes) + superseded, "already": len(codes) - superseded}
        and (active, passages, inside, entries) == (len(codes), 2 * len(codes), len(codes), len(codes)),
    }
    seconds, size = json.loads(_shell(lab, _LIST))
    found["list"] = {"badges": len(codes), "seconds": seconds, "bytes": size}
    print(found, flush=True)
    return found


def _shell(lab: Lab, code: str) -> str:
    return str(lab.manage("shell", "-v", "0", "-c", code)).strip().splitlines()[-1]


async def _scan(
    url: str, session: str, codes: list[str], *, desks: int
) -> tuple[float, list[float], dict[str, int], dict[str, int]]:
    """Scan every badge twice, at different desks.

    Returns the seconds, ms of each scan, the number of each outcome, and that of each 503.
    """
    times: list[float] = []
    outcomes: dict[str, int] = {}
    refusals: dict[str, int] = {}
    token = secrets.token_hex(16)  # what the cookie says is what the header must say

    async def work(desk: int) -> None:
        cookies = {"sessionid": session, "csrftoken": token}
        async with httpx.AsyncClient(base_url=url, cookies=cookies, timeout=60) as client:
            mine = [code for n, code in enumerate(codes) if desk in (n % desks, (n + 1) % desks)]
            for code in mine:
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                begin = time.perf_counter()
                headers = {"X-CSRFToken": token, "Idempotency-Key": secrets.token_hex(16)}
                body = {"code": code, "gate": f"Gate {desk}", "scanned_at": now, "sent_at": now}
                while True:
                    answer = await client.post("/console/c/test/desk/scan/", headers=headers, json=body)
                    if answer.status_code != 503:
                        break
                    refusals[answer.text[:200]] = refusals.get(answer.text[:200], 0) + 1
                    await asyncio.sleep(0.5)  # as a desk, which keeps it and sends it again
                times.append((time.perf_counter() - begin) * 1000)
                answer.raise_for_status()
                outcome = answer.json()["outcome"]
                outcomes[outcome] = outcomes.get(outcome, 0) + 1

    begin = time.perf_counter()
    await asyncio.gather(*(work(desk) for desk in range(desks)))
    return time.perf_counter() - begin, times, outcomes, refusals


if __name__ == "__main__":
    main()
