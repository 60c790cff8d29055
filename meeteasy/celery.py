"""The Celery application. Tasks live in each app's tasks.py, declared by `core.queues.queue_task`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

# At its start a worker would run Django's system checks, for which it loads all addresses and views, and
# ignore what they say. `manage.py up` runs them, as every deployment should.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("meeteasy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
