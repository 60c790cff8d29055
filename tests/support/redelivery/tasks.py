import time

from meeteasy.core.queues import Queue, queue_task
from meeteasy.core.redis import get_redis

STARTS = "tests:redelivery:starts"


@queue_task(Queue.ANALYTICS_DAILY, name="tests.hang_once")
def hang_once() -> None:
    """Note the start; hang at the first one, until the worker is killed."""
    if get_redis().rpush(STARTS, time.time()) == 1:
        time.sleep(500)
