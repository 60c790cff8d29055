"""The columns of a segment, and the dimensions by which summaries are split and filtered."""

import hashlib

from analytics.context.referrers import DATA_FILE

# What the extraction gives for each event, in this order; building.py adds visits.
EXTRACTED = {
    "key": "VARCHAR",
    "type": "VARCHAR",
    "ts": "BIGINT",  # UTC milliseconds
    "visitor": "VARCHAR",  # "" for none
    "is_counted": "BOOLEAN",  # of registrations and check-ins: the event by which it counts on this day
    "page": "VARCHAR",
    "host": "VARCHAR",
    "referrer": "VARCHAR",
    "source_group": "VARCHAR",
    "utm_source": "VARCHAR",
    "utm_medium": "VARCHAR",
    "utm_campaign": "VARCHAR",
    "utm_term": "VARCHAR",
    "utm_content": "VARCHAR",
    "channel": "VARCHAR",
    "browser": "VARCHAR",
    "os": "VARCHAR",
    "device": "VARCHAR",
    "app": "VARCHAR",
    "country": "VARCHAR",
}

# What is the same in most page views of a visit: a query of these columns alone reads one row for each
# (visit, combination of values) instead of one for each page view (building.py).
CONTEXT_COLUMNS = ("browser", "os", "device", "app", "country")
SOURCE_COLUMNS = (
    "host", "referrer", "source_group", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip

# By the name in API and filters: the column. All are of page views, except `channel`, which is of shares.
DIMENSIONS = {
    "page": "page",
    "referrer": "referrer",
    "host": "host",
    "group": "source_group",
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "utm_term": "utm_term",
    "utm_content": "utm_content",
    "channel": "channel",
    "browser": "browser",
    "os": "os",
    "device": "device",
    "app": "app",
    "country": "country",
}
# A dimension of the whole visit.
ENTRY_PAGE = "entry_page"

VISIT_MS = 30 * 60 * 1000

_FORMAT = 2


def version() -> str:
    """What makes segments of before unusable: another format, or another list of referrers."""
    return f"{_FORMAT}-{hashlib.sha256(DATA_FILE.read_bytes()).hexdigest()[:12]}"
