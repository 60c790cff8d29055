"""Sends the wake-up that makes the worker drain the stream; ready beforehand, so that it costs no time."""

import json

import django


def main() -> None:
    django.setup()

    from analytics.tasks import drain_events

    print("ready", flush=True)
    input()
    drain_events.delay()
    print(json.dumps({}), flush=True)


if __name__ == "__main__":
    main()
