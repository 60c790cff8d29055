"""Mint links for campaigns."""

import secrets

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from analytics.events.clock import now_ms
from conferences.models import Conference
from sharing.derivation import deriving
from sharing.derivation.facts import USER, Claim, Facts
from sharing.derivation.locks import lock_conferences
from sharing.models import ShareLink
from sharing.rules.codes import key_of, new_code, new_signed_code


class CodeTakenError(Exception):
    """The code already has an owner."""


@transaction.atomic
def mint_link(
    conference: Conference, *, owner: AbstractBaseUser, label: str = "", channel: str = "",
    target_url: str = "", code: str = "", is_signed: bool = False,
) -> ShareLink:  # fmt: skip
    """Make a link on the server, e.g. for the poster at gate 3. It always belongs to `owner`.

    code: a readable code that the owner chose; a random code if empty. is_signed: only the signed form of the
    code counts, so other people cannot guess or make one. Raises CodeTakenError.
    """
    lock_conferences([conference.id])
    code = code or (new_signed_code() if is_signed else new_code())
    key = key_of(conference.id, code)
    if ShareLink.objects.filter(id=key).exists():
        raise CodeTakenError(code)
    ms = now_ms()
    claim = Claim(
        key, (ms, f"minted:{secrets.token_hex(8)}"), ms, f"{USER}{owner.pk}", "", channel, target_url,
        label, is_minted=True,
    )  # fmt: skip
    deriving.derive(Facts(claims=[claim]))
    transaction.on_commit(lambda: deriving.settle([conference.id]))
    return ShareLink.objects.get(id=key)
