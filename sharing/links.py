"""Minting links for campaigns, and erasing a person: the writes behind API and admin."""

import secrets

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from analytics.models import Event
from conferences.models import Conference
from sharing import derive
from sharing.codes import key_of, new_code, new_signed_code
from sharing.locks import lock_conferences
from sharing.models import Registrant, ShareLink, ShareOpen
from sharing.store import Claim, claims_of


class CodeTakenError(Exception):
    """The code belongs to somebody already."""


@transaction.atomic
def mint_link(
    conference: Conference, *, owner: AbstractBaseUser, label: str = "", channel: str = "",
    target_url: str = "", code: str = "", is_signed: bool = False,
) -> ShareLink:  # fmt: skip
    """A link of the server's own, e.g. for the poster at gate 3. It belongs to `owner` for ever.

    code: a readable one of their choice; without, a random one. is_signed: only the signed form of the code
    counts, so nobody can guess or make one.
    Raises CodeTakenError.
    """
    lock_conferences([conference.id])
    code = code or (new_signed_code() if is_signed else new_code())
    key = key_of(conference.id, code)
    if ShareLink.objects.filter(id=key).exists():
        raise CodeTakenError(code)
    now_ms = int(timezone.now().timestamp() * 1000)
    derive.apply_claims(
        [
            Claim(
                key, (now_ms, f"minted:{secrets.token_hex(8)}"), f"user:{owner.pk}", "", channel, target_url,
                label, True,
            )
        ],
        conference.id,
    )  # fmt: skip
    transaction.on_commit(derive.pass_on_days)
    return ShareLink.objects.get(id=key)


def erase_person(conference: Conference, visitor: str) -> int:
    """Replace a visitor's id by a random one wherever it stands; shape and counts stay. Returns rows changed.

    The same new id everywhere: who was one person in the tree and among the day's visitors remains one, and
    nobody can say who. May be repeated after a crash; the events, which the tree can be rebuilt from, go
    first, so that what is left over is found again.
    """
    nobody = f"erased:{secrets.token_hex(12)}"
    events = Event.objects.filter(conference_id=conference.id, visitor_id=visitor)
    changed = events.filter(subject=visitor).update(subject=nobody)
    changed += events.update(visitor_id=nobody)
    with transaction.atomic():
        lock_conferences([conference.id])
        changed += ShareLink.objects.filter(conference_id=conference.id, sharer=visitor).update(
            sharer=nobody, sharer_user=None, label=""
        )
        changed += claims_of(conference.id).filter(sharer=visitor).update(sharer=nobody, label="")
        changed += ShareOpen.objects.filter(conference_id=conference.id, visitor=visitor).update(
            visitor=nobody
        )
        changed += Registrant.objects.filter(conference_id=conference.id, visitor=visitor).update(
            visitor=nobody
        )
    return changed
