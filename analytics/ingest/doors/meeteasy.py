"""Our own protocol: `POST /api/analytics/events`, which the SDK speaks.

    {"events": [{"type": "page_view", "conference_id": "test", "page": "/"}], "sent_at": …}

Batches without a key, nearly all, do not come by here: they are decoded and judged in one call
(analytics/events/validation.py).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from analytics.events.validation import open_batch
from analytics.ingest import answers
from analytics.ingest.doors import Answer, Door, Refusal, Sent, Taken, register
from analytics.ingest.requests import Request
from analytics.ingest.senders import Senders, find_key

PATH = "/api/analytics/events"


@register
class OwnDoor(Door):
    paths: ClassVar[Sequence[str]] = (PATH,)
    media_types: ClassVar[frozenset[bytes]] = frozenset((b"application/json", b"text/plain", b""))

    async def translate(self, payload: Any, request: Request, senders: Senders) -> Sent:
        batch = open_batch(payload)
        sender = await senders.identify(find_key(request))
        contexts = []
        if sender.is_secret:
            contexts = [
                event.pop("context", None) if isinstance(event, dict) else None for event in batch.events
            ]
        return Sent(batch.events, batch.sent_at, sender, contexts)

    def accept(self, taken: Taken) -> Answer:
        return answers.accepted(taken.accepted, taken.rejected, taken.notices)

    def refuse(self, refusal: Refusal) -> Answer:
        return answers.refused(
            refusal.status,
            refusal.code,
            refusal.message,
            details=refusal.rejected,
            retry_after=refusal.retry_after,
        )
