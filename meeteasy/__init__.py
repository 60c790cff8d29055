"""Settings, wiring and the plumbing that every app shares."""

import zoneinfo

# Local time comes only from the locked `tzdata` package. By default Python prefers the machine's files, which
# may be older and differ between machines.
zoneinfo.reset_tzpath(())
zoneinfo.ZoneInfo.clear_cache()

from meeteasy.celery import app as celery_app  # noqa: E402  after the zone data

__all__ = ["celery_app"]
