"""`Idempotency-Key`: a repeated request gets the first answer again and changes nothing."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference, IdempotencyKey
from meeteasy.core.errors import RefusedError

REMEMBERED = dt.timedelta(hours=48)
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")

# An HTTP status, and an answer that holds ids and states.
Answer = tuple[int, dict[str, Any]]


def answer_once(
    *, conference: Conference, scope: str, key: str | None, body: Any, act: Callable[[], Answer]
) -> Answer:
    """Return the result of `act`, or its earlier result for the same key and body.

    The key is committed together with the changes of `act`, so neither exists without the other. A second
    request at the same moment waits for the first. An exception leaves the key unused. Without a key (None),
    `act` always runs. Raises ValidationError for a malformed key, and RefusedError `idempotency_key_reused`
    for a key that was used with another body.
    """
    if key is None:
        return act()
    if not _KEY.match(key):
        raise ValidationError({"Idempotency-Key": _("1 to 255 printable ASCII characters without spaces.")})
    digest = hashlib.sha256(_encode(body)).hexdigest()
    with transaction.atomic():
        try:
            with transaction.atomic():
                claim = IdempotencyKey.objects.create(
                    conference=conference, scope=scope, key=key, body_sha256=digest,
                    status=0, answer={}, created_at=timezone.now(),
                )  # fmt: skip
        except IntegrityError:
            known = IdempotencyKey.objects.get(conference=conference, scope=scope, key=key)
            if known.body_sha256 != digest:
                raise RefusedError(
                    "idempotency_key_reused",
                    "This Idempotency-Key came with another body before.",
                    status=422,
                ) from None
            return known.status, known.answer
        claim.status, claim.answer = act()
        claim.save(update_fields=["status", "answer"])
    return claim.status, claim.answer


def _encode(body: Any) -> bytes:
    """Also of what cost only an answer: half an emoji, or an endless number."""
    try:
        return msgspec.json.encode(body, order="deterministic")
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(body, sort_keys=True).encode()


def forget_old_keys(*, now: dt.datetime | None = None) -> int:
    """Delete keys that are older than REMEMBERED. Returns the number of deleted keys."""
    before = (now or timezone.now()) - REMEMBERED
    return IdempotencyKey.objects.filter(created_at__lt=before).delete()[0]
