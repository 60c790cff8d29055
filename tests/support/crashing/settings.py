from meeteasy.settings import *  # noqa: F403
from meeteasy.settings import INSTALLED_APPS

# Around all others: handlers run in the order of the apps.
INSTALLED_APPS = [
    "tests.support.crashing.apps.FirstConfig",
    *INSTALLED_APPS,
    "tests.support.crashing.apps.LastConfig",
]
