"""The Celery application. Tasks live in each app's tasks.py, declared by `core.queues.queue_task`."""

import gc
import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

app = Celery("meeteasy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def spare_the_collector(**_: object) -> None:
    """Let the cyclic collector look rarely, and not at what is loaded for good.

    A bulk of thousands of events makes hundreds of thousands of objects without a cycle among them; walking
    through them again and again was a tenth of what share events cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
