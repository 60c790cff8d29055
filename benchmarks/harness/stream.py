"""Filling the stream of events, or a reference's list, as the web processes would.

A program of its own, so that it needs Django's settings only here:

    python -m benchmarks.harness.stream --events 200000 --entry-rows 200 [--list NAME]
"""

import argparse
import asyncio
import json
import time

import django
import redis

from benchmarks.harness.batches import make_bodies

# Each request of another browser, of as many as an hour brings.
_AGENT = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--entry-rows", type=int, default=200)
    parser.add_argument("--ids", choices=["ordered", "random"], default="ordered")
    parser.add_argument("--faststream", action="store_true", help="the reference's list, in its own format")
    options = parser.parse_args()
    django.setup()

    from django.conf import settings

    client = redis.Redis.from_url(settings.REDIS_URL)
    fill = _fill_list if options.faststream else _fill_stream
    print("ready", flush=True)
    input()
    fill(client, options)
    print(json.dumps({"events": options.events}), flush=True)


def _fill_stream(client: "redis.Redis", options: argparse.Namespace) -> None:
    from analytics.events.validation import Client, read_batch
    from analytics.stream.entry import encode_batch, encode_batches
    from analytics.stream.queue import STREAM

    now_ms = int(time.time() * 1000)
    pipeline = client.pipeline(transaction=False)
    for number, body in enumerate(make_bodies(options.events, batch=options.entry_rows, ids=options.ids)):
        agent = f"{_AGENT} Chrome/{80 + number % 50}.0.0.0 Mobile Safari/537.36"
        sender = Client(now_ms, False, lambda conference_id: "nobody", agent=agent, country="CN")
        sent, rejected, *_ = read_batch(body, sender, max_events=options.entry_rows, acceptance_days=7)
        assert not rejected, rejected
        pipeline.xadd(STREAM, encode_batches([encode_batch(sent)]))
        if len(pipeline) >= 100:
            pipeline.execute()
    pipeline.execute()


def _fill_list(client: "redis.Redis", options: argparse.Namespace) -> None:
    """Through the reference's own broker, one message a request of 20 events."""
    from benchmarks.references import FASTSTREAM_LIST
    from benchmarks.references.faststream_service import Batch, broker, to_rows

    async def publish() -> None:
        await broker.connect()
        for body in make_bodies(options.events, batch=20, ids=options.ids):
            await broker.publish(to_rows(Batch.model_validate_json(body)), list=FASTSTREAM_LIST)
        await broker.stop()

    asyncio.run(publish())


if __name__ == "__main__":
    main()
