import os

from meeteasy.settings import *  # noqa: F403
from meeteasy.settings import CELERY_BROKER_TRANSPORT_OPTIONS, INSTALLED_APPS

VISIBILITY_SECONDS = 15

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.redelivery"]
CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = VISIBILITY_SECONDS
if os.environ.get("TESTS_KOMBU_DEFAULTS"):
    for _name in ("unacked_restore_interval", "unacked_restore_throttle"):
        del CELERY_BROKER_TRANSPORT_OPTIONS[_name]
