"""The console's pages with a session, through the web server: at 10 thousand and at 1 million page views.

    python -m benchmarks.console [--events 10000 1000000] [--links 1000 100000] [--requests 60] [--smoke]

Two conferences in one system, whose page views are spread over 30 days; the share trees are the generator's
(tests/support/share_events.py) with two opens a link. Requests for the two take turns, so that what disturbs
the machine disturbs both. Milliseconds are until the whole answer was read; days and segments are up to
date, as the workers keep them. `cold` is the first answer. `cpu_ms` is the web server's processor time for an
answer, which says more than the clock where the machine has other work.
"""

import http.client
import json
import sqlite3
import time
from typing import Any

from benchmarks.harness.processes import Lab, open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from benchmarks.summary import VIEWS

SMALL, LARGE = "console-small", "console-large"
_BEGIN = 1767225600  # of 2026
_RANGE = "from=2026-01-01&to=2026-01-30"
# By name: the path behind the conference's address. Those with filters have a bound of their own.
_PAGES = {
    "overview": f"?{_RANGE}",
    "overview, filtered": f"?{_RANGE}&filter=app:is:WeChat",
    "live": "live/",
    "share tracking": "sharing/",
    "channels": "sharing/channels/",
    "not credited": "sharing/not-credited/",
    "held reports": "held/",
    "desk": "desk/",
    "files": "files/",
    "members": "members/",
    "settings": "settings/",
    "keys": "settings/keys/",
    "digest": "settings/digest/",
}
_OVERVIEW_MS, _FILTERED_MS, _OTHERS_MS, _RATIO = 150, 500, 80, 2

_FILL = """
import itertools
from django.contrib.auth import get_user_model
from conferences import services
from analytics.reactions.pipeline import store_and_react
from tests.sharing.cast import row
from tests.support.share_events import START_MS, share_events
owner = get_user_model().objects.get(username="organizer")
services.create_conference(owner=owner, id={id!r}, name={id!r}, time_zone="UTC")
events = share_events(links={links}, opens_per_link=2, conference_id={id!r}, hours=24 * 29)
begin = 1767225600000 - START_MS
while part := list(itertools.islice(events, 15_000)):
    store_and_react([row({{**sent, "ts": sent["ts"] + begin}}) for sent in part])
"""
_SETTLE = """
import datetime as dt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from analytics import preparing
from analytics.days import redating, summaries
from sharing.derivation import deriving
redating.redate_changed_conferences()
for id in {ids!r}:
    deriving.settle([id])
    summaries.compute_range(id, dt.date(2026, 1, 1), dt.date(2026, 1, 31))
# Days that are still marked would be read afresh at each request.
summaries.refresh_dirty_days(max_seconds=3600)
for id in {ids!r}:
    preparing.make_segments(id, dt.date.min, dt.date.max)
from django.db import connection
connection.cursor().execute("ANALYZE")
client = Client()
client.force_login(get_user_model().objects.get(username="organizer"))
print(settings.SESSION_COOKIE_NAME + "=" + client.cookies[settings.SESSION_COOKIE_NAME].value)
"""


def main() -> None:
    parser = make_parser(__doc__, rounds=1)
    parser.add_argument("--events", nargs=2, type=int, default=[10_000, 1_000_000])
    parser.add_argument("--links", nargs=2, type=int, default=[1_000, 100_000])
    parser.add_argument("--requests", type=int, default=60, help="of each page and conference")
    options = parser.parse_args()
    if options.smoke:
        options.events, options.links, options.requests = [200, 400], [20, 40], 2
    use_two_cores()
    with open_lab() as lab:
        lab.prepare()
        for conference, events, links in zip((SMALL, LARGE), options.events, options.links, strict=True):
            lab.run_code(_FILL.format(id=conference, links=links))
            with sqlite3.connect(lab.database) as connection:
                given = {
                    "conference": conference, "views": events, "visitors": max(events // 8, 1),
                    "begin": _BEGIN, "seconds": 30 * 86_400 - 120,
                }  # fmt: skip
                connection.execute(VIEWS, given)
        cookie = lab.run_code(_SETTLE.format(ids=(SMALL, LARGE))).splitlines()[-1]
        lab.start("web")
        pages = _measure(lab, cookie, requests=options.requests)
    write_report("console", options, results=pages, targets=_targets(pages))


def _targets(pages: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, Any]]:
    others = {name: found[LARGE]["p95_ms"] for name, found in pages.items() if "overview" not in name}
    slowest = max(others, key=lambda name: others[name])
    ratios = {
        name: found[LARGE]["p50_ms"] / found[SMALL]["p50_ms"]
        for name, found in pages.items()
        if "filtered" not in name
    }
    steepest = max(ratios, key=lambda name: ratios[name])
    return [
        target("overview, p95 ms", pages["overview"][LARGE]["p95_ms"], at_most=_OVERVIEW_MS),
        target("overview, filtered, p95 ms", pages["overview, filtered"][LARGE]["p95_ms"],
               at_most=_FILTERED_MS),
        target(f"slowest of the others ({slowest}), p95 ms", others[slowest], at_most=_OTHERS_MS),
        target(f"largest ratio of the sizes ({steepest}), p50", ratios[steepest], at_most=_RATIO),
    ]  # fmt: skip


def _measure(lab: Lab, cookie: str, *, requests: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return p50 and p95 of each page for each conference."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=120)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, path in _PAGES.items():
        times: dict[str, list[float]] = {SMALL: [], LARGE: []}
        sizes: dict[str, int] = {}
        cold: dict[str, float] = {}
        cpu_seconds = {SMALL: 0.0, LARGE: 0.0}
        for number in range(requests + 1):
            for conference in (SMALL, LARGE):
                before = lab.cpu_seconds()["web"]
                seconds, size = _get(connection, f"/console/c/{conference}/{path}", cookie)
                if number:
                    times[conference].append(seconds * 1000)
                    cpu_seconds[conference] += lab.cpu_seconds()["web"] - before
                else:  # the first one warms up
                    cold[conference] = seconds * 1000
                sizes[conference] = size
        found[name] = {
            conference: {
                "p50_ms": round(median(each), 1),
                "p95_ms": round(sorted(each)[min(len(each) - 1, len(each) * 95 // 100)], 1),
                "cpu_ms": round(cpu_seconds[conference] * 1000 / requests, 1),
                "cold_ms": round(cold[conference], 1),
                "kilobytes": round(sizes[conference] / 1000, 1),
            }
            for conference, each in times.items()
        }
        print(f"{name:20} {json.dumps(found[name])}", flush=True)
    connection.close()
    return found


def _get(connection: http.client.HTTPConnection, path: str, cookie: str) -> tuple[float, int]:
    started = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - started
    assert answer.status == 200, (path, answer.status, body[:500])
    return took, len(body)


if __name__ == "__main__":
    main()
