"""Share attribution: events through one worker beside page views, and the tree at two sizes.

    python -m benchmarks.sharing [--rounds 7] [--events 100000] [--databases sqlite postgresql] [--smoke]

The events are the generator's (tests/support/share_events.py): of 100, some 8 shares, 85 opens and 7
registrations. "Many shares" is a heavier mix, reported without a target: of 100, some 47 shares, 49 opens
and 4 registrations. The same worker with all reactions works off page views in the same round; beside it, one
process inserts the rows that the share events had become, in all tables, and does nothing else. The ratio to
that process is the target. On SQLite the ratio of their processor times is stated, too: steadier on a busy
machine (PostgreSQL's own processes are not in it, so there it would say nothing). The trees of
10 thousand and 1 million links have 20 children a link and a way of 60 levels; opening a level and crediting
registrations at different depths are timed in a process of their own, warm.
"""

import argparse
import itertools
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.harness.processes import Lab, open_lab_on, spent_between, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from benchmarks.storing import STREAM, fill

if TYPE_CHECKING:
    from analytics.event_types import EventType
    from analytics.events.batch import Batch

OPENS_PER_LINK = {"share events": 10, "many shares": 1}
CHILDREN = 20
DEPTH = 60
_EVENTS_AT_ONCE = 15_000  # share events of one delivery, which is bounded in bytes


def main() -> None:
    parser = make_parser(__doc__, rounds=7)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--links", nargs=2, type=int, default=[10_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--helper", choices=["fill", "tree", "rewrite"], help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--opens-per-link", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.helper:
        _help(options)
        return
    if options.smoke:
        options.rounds, options.events, options.links = 1, 2000, [2000, 4000]
        options.databases = ["sqlite"]
    use_two_cores()
    results: dict[str, Any] = {}
    targets: list[dict[str, Any]] = []
    for name in options.databases:
        with open_lab_on(name) as lab:
            found = results[name] = _measure(lab, options)
        targets += [
            target(
                f"{name}: share events/s to a bare insert of all rows they become",
                found["ratio_to_bare"],
                at_least=0.55 if name == "sqlite" else 0.4,
            ),
            target(f"{name}: opening a level, large to small tree", found["level_ratio"], at_most=2),
            target(f"{name}: crediting at one depth, large to small tree", found["credit_ratio"], at_most=2),
        ]
    write_report("sharing", options, results=results, targets=targets)


def _measure(lab: Lab, options: Any) -> dict[str, Any]:
    rates: dict[str, list[float]] = {"page views": [], **{kind: [] for kind in OPENS_PER_LINK}, "bare": []}
    cpu: dict[str, list[float]] = {"share events": [], "bare": []}
    for _ in range(options.rounds):
        for kind in ("page views", *OPENS_PER_LINK):
            lab.empty()
            rate, cpu_us = _work_off(lab, kind, options.events)
            rates[kind].append(rate)
            print(f"{kind:14} {rate:9,.0f} events/s  worker {cpu_us:.0f} µs CPU an event", flush=True)
            if kind == "share events":
                with lab.helper(["-m", "benchmarks.sharing", "--helper", "rewrite"]) as helper:
                    helper.go()
                    bare = helper.result()
                rates["bare"].append(options.events / bare["seconds"])
                cpu["share events"].append(1 / cpu_us)
                cpu["bare"].append(options.events / bare["cpu_seconds"] / 1e6)
                print(
                    f"{'bare insert':14} {rates['bare'][-1]:9,.0f} events/s  "
                    f"process {1 / cpu['bare'][-1]:.0f} µs CPU an event",
                    flush=True,
                )
    trees = []
    for links in options.links:
        lab.empty()
        arguments = ["-m", "benchmarks.sharing", "--helper", "tree", "--size", str(links)]
        with lab.helper(arguments) as helper:
            helper.go()
            trees.append(helper.result())
        print(f"{links:,} links: {trees[-1]}", flush=True)
    small, large = trees
    return {
        "events_per_second": {kind: median(found) for kind, found in rates.items()},
        "rounds": rates,
        "ratio": _ratio(rates, "share events", "page views"),
        "ratio_to_bare": _ratio(rates, "share events", "bare"),
        "cpu_ratio_to_bare": _ratio(cpu, "share events", "bare"),
        "many_shares_ratio": _ratio(rates, "many shares", "page views"),
        "trees": trees,
        "level_ratio": large["level_ms"] / small["level_ms"],
        "credit_ratio": large["credit_ms"][str(DEPTH)] / small["credit_ms"][str(DEPTH)],
    }


def _ratio(rates: dict[str, list[float]], kind: str, reference: str) -> float:
    """The median of the rounds' ratios: what runs in the same minute meets the same machine."""
    return median(ours / theirs for ours, theirs in zip(rates[kind], rates[reference], strict=True))


def _work_off(lab: Lab, kind: str, events: int) -> tuple[float, float]:
    lab.start("events")
    if kind == "page views":
        fill(lab, events, 200)
    else:
        arguments = [
            "-m", "benchmarks.sharing", "--helper", "fill", "--size", str(events),
            "--opens-per-link", str(OPENS_PER_LINK[kind]),
        ]  # fmt: skip
        with lab.helper(arguments) as helper:
            helper.go()
            helper.result()
    with lab.helper(["-m", "benchmarks.harness.wake"]) as wake:
        before = lab.cpu_seconds()
        started = time.perf_counter()
        wake.go()
        while lab.redis.xlen(STREAM):
            time.sleep(0.01)
        seconds = time.perf_counter() - started
    spent = spent_between(before, lab.cpu_seconds())["events"]
    lab.end("events")
    return events / seconds, 1e6 * spent / events


def _help(options: Any) -> None:
    """A process inside the lab's environment."""
    import django

    django.setup()
    print("ready", flush=True)
    sys.stdin.readline()
    if options.helper == "rewrite":
        print(json.dumps(_rewrite()))
        return
    if options.helper == "fill":
        print(json.dumps(_fill(options.size, options.opens_per_link)))
    else:
        print(json.dumps(_time_tree(options.size)))


def _rewrite() -> dict[str, float]:
    """Empty all tables and insert the same rows again, in as many transactions as a worker needs for them."""
    from django.apps import apps
    from django.db import connection, transaction
    from django.db.models import AutoField

    from analytics.models import Event
    from sharing.derivation import bulk

    tables = []
    for model in (Event, *apps.get_app_config("sharing").get_models()):
        columns = [field.column for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
        with connection.cursor() as cursor:
            as_text = "" if connection.vendor == "sqlite" else "::text"
            cursor.execute(
                f"SELECT {', '.join(name + as_text for name in columns)} FROM {model._meta.db_table}"
            )
            rows = [[+value if value is True or value is False else value for value in row] for row in cursor]
            tables.append((model, columns, rows))
            empty = "DELETE FROM" if connection.vendor == "sqlite" else "TRUNCATE"
            cursor.execute(f"{empty} {model._meta.db_table}")
    deliveries = max(1, len(tables[0][2]) // _EVENTS_AT_ONCE)
    started, cpu_started = time.perf_counter(), time.process_time()
    for number in range(deliveries):
        with transaction.atomic():
            for model, columns, rows in tables:
                part = rows[len(rows) * number // deliveries : len(rows) * (number + 1) // deliveries]
                bulk.insert(model, columns, part)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
    }


def _fill(events: int, opens_per_link: int) -> dict[str, Any]:
    """Entries of 200 events, as the door takes them."""
    import redis
    from django.conf import settings

    from analytics.stream.entry import encode_batch, encode_batches
    from analytics.stream.queue import STREAM as NAME
    from benchmarks.harness.batches import CONFERENCES
    from tests.support.share_events import share_events

    client = redis.Redis.from_url(settings.REDIS_URL)
    made = share_events(
        links=events // (opens_per_link + 1), opens_per_link=opens_per_link, conference_id=CONFERENCES[0],
        hours=1 / 30,
    )  # fmt: skip
    sent = itertools.islice(made, events)
    while part := list(itertools.islice(sent, 200)):
        batches = [encode_batch(_take(part, is_bot=is_bot)) for is_bot in (False, True)]
        client.xadd(NAME, encode_batches(batches))
    return {"events": events}


def _take(sent: list[dict[str, Any]], *, is_bot: bool) -> "Batch[EventType]":
    """What the door makes of those that bots sent, or of the others."""
    from analytics.events.batch import Batch
    from analytics.events.clock import now_ms
    from analytics.events.validation import Client, complete, parse_event

    client = Client(now_ms(), is_bot, lambda conference_id: "nobody")
    events = [
        parse_event({name: value for name, value in item.items() if name != "bot"})
        for item in sent
        if bool(item.get("bot")) is is_bot
    ]
    complete(events, client, sent_ms=None, acceptance_days=None)
    return Batch(client.received_ms, is_bot, events)


def _time_tree(links: int) -> dict[str, Any]:
    """Median milliseconds of opening a level of 20, and of crediting 100 registrations at three depths."""
    from django.db import transaction

    from sharing.derivation import bulk
    from sharing.derivation.deriving import apply_facts
    from sharing.derivation.facts import read_facts
    from sharing.models import ShareLink
    from sharing.selectors.tree import get_tree
    from tests.sharing.cast import START_MS, registered, row

    columns = [field.column for field in ShareLink._meta.concrete_fields]

    def link(number: int, parent: int | None) -> tuple[Any, ...]:
        key, above = f"summit/link{number:08}", None if parent is None else f"summit/link{parent:08}"
        made = ShareLink(
            id=key, conference_id="summit", code=key[7:], sharer=f"v{number}", first_ms=START_MS,
            first_event_id=f"e{number:08}", claimed_parent=above or "", parent_id=above, child_count=CHILDREN,
        )  # fmt: skip
        if above is not None:
            made.parent_ms, made.parent_event_id = START_MS, f"e{number:08}"
        return tuple(getattr(made, name) for name in columns)

    def parent_of(number: int) -> int | None:
        if number < DEPTH:  # the long way
            return number - 1 if number else None
        return (number - DEPTH) // (CHILDREN - 1)

    for start in range(0, links, 20_000):
        numbers = range(start, min(start + 20_000, links))
        with transaction.atomic():
            bulk.insert(ShareLink, columns, [link(number, parent_of(number)) for number in numbers])

    def timed(work: Any) -> float:
        started = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - started)

    # Links of the long way have 20 children each, in either tree.
    roots = list(ShareLink.objects.filter(id__in=[f"summit/link{number:08}" for number in range(5, 25)]))
    get_tree("summit", roots[0], depth=1, limit=100)
    level = [timed(lambda root=root: get_tree("summit", root, depth=1, limit=100)) for root in roots]
    credit: dict[str, float] = {}
    for depth in (5, 15, DEPTH):
        times = []
        for attempt in range(6):
            events = [
                registered(10, f"r{depth}-{attempt}-{n}", share_code=f"link{depth - 1:08}")
                for n in range(100)
            ]
            rows = [row(event) for event in events]
            times.append(timed(lambda rows=rows: apply_facts(read_facts(rows))))
        credit[str(depth)] = median(times[1:])  # the first reads the pages that the others find in memory
    return {"links": links, "level_ms": median(level), "credit_ms": credit}


if __name__ == "__main__":
    main()
