"""Names under which other tools' trackers send: claimed by owners, proved by the site, or given by staff.

A claim is worth nothing until it is proved: anybody can write any domain. A domain is proved by a file or a
tag on the site itself. A website's id is a secret of nobody, so it is either made here or given by staff.
"""

import datetime as dt
import re
import secrets
import uuid

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.aliases import normalise_domain, normalise_website
from conferences.models import Alias, Conference
from conferences.services.capping import insert_capped
from meeteasy.core.errors import RefusedError
from meeteasy.core.http_client import OutboundError, request
from meeteasy.core.jobs import ring
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import Queue

log = get_logger(__name__)

MAX_ALIASES = 20
TASK = "conferences.check_alias"
PROOF_PATH = "/.well-known/meeteasy.txt"
META_NAME = "meeteasy-site"
_MAX_PAGE_BYTES = 512 * 1024
_TIMEOUT_SECONDS = 5
_AGAIN = dt.timedelta(seconds=60)
_CHECKS_AT_ONCE = 20
_MAX_ATTEMPTS = 3
_META = re.compile(r"<meta\b[^<>]{0,500}>", re.IGNORECASE)


def claim_alias(*, conference: Conference, kind: str, name: str | None, by: User | None) -> Alias:
    """Note that the conference's owners call a domain or a website's id theirs.

    name: None makes a new website's id, which is theirs at once.
    Raises ValidationError, and RefusedError `too_many_aliases` or `alias_exists`.
    """
    is_new = name is None and kind == Alias.Kind.WEBSITE
    alias = Alias(
        conference=conference, kind=kind, name=str(uuid.uuid4()) if is_new else normalise(kind, name or ""),
        proof=secrets.token_urlsafe(24), created_by=by, verified_at=timezone.now() if is_new else None,
    )  # fmt: skip
    try:
        insert_capped(
            alias, conference_id=conference.id, among=conference.aliases.all(), most=MAX_ALIASES,
            code="too_many_aliases", message=_("A conference has at most %(most)d aliases."),
        )  # fmt: skip
    except IntegrityError:
        raise RefusedError("alias_exists", _("The conference has this alias already.")) from None
    return alias


def normalise(kind: str, name: str) -> str:
    """Return the name as it is compared. Raises ValidationError (`name`)."""
    found = normalise_domain(name) if kind == Alias.Kind.DOMAIN else normalise_website(name)
    if found is None:
        text = _("A domain like example.org is expected.")
        if kind == Alias.Kind.WEBSITE:
            text = _("A website id like 0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10 is expected.")
        raise ValidationError({"name": text})
    return found


def request_check(alias: Alias) -> Alias:
    """Have a worker look whether the site shows the proof. Raises RefusedError `not_checkable`."""
    if alias.kind != Alias.Kind.DOMAIN:
        raise RefusedError("not_checkable", _("Staff gives the id of an existing website, in the admin."))
    if alias.verified_at is None and alias.check_requested_at is None:
        alias.check_requested_at, alias.check_attempts = timezone.now(), 0
        alias.save(update_fields=["check_requested_at", "check_attempts"])
        transaction.on_commit(lambda: ring(TASK, [[alias.pk]], queue=Queue.FILES_CONVERT))
    return alias


def ring_waiting_checks() -> None:
    """Ask again for checks whose message or worker was lost."""
    waiting = Alias.objects.filter(check_requested_at__lt=timezone.now() - _AGAIN)
    ids = list(waiting.order_by("check_requested_at").values_list("pk", flat=True)[:_CHECKS_AT_ONCE])
    Alias.objects.filter(pk__in=ids).update(check_requested_at=timezone.now())
    ring(TASK, [[pk] for pk in ids], queue=Queue.FILES_CONVERT)


def check_alias(pk: int) -> None:
    """Look whether the site shows the proof, and note what was found. Harmless to repeat.

    A site may answer so slowly that the worker is killed; after a few of those its check is given up.
    """
    requested = Alias.objects.filter(pk=pk, check_requested_at__isnull=False)
    if not requested.update(check_attempts=F("check_attempts") + 1):
        return
    alias = Alias.objects.get(pk=pk)
    problem: str | None = _("The site did not answer in time.")
    if alias.check_attempts <= _MAX_ATTEMPTS:
        problem = _find_problem(alias)
    if problem is None:
        try:
            give_alias(alias)
        except RefusedError as error:
            problem = error.message
    requested.update(check_requested_at=None, check_problem=(problem or "")[:300])
    log.info("alias_checked", conference_id=alias.conference_id, name=alias.name, problem=problem)


def give_alias(alias: Alias) -> None:
    """Make the name the conference's. Raises RefusedError `alias_taken` if it is another one's."""
    try:
        with transaction.atomic():
            Alias.objects.filter(pk=alias.pk, verified_at=None).update(verified_at=timezone.now())
    except IntegrityError:
        message = _("Another conference has proved this name; staff can take it back.")
        raise RefusedError("alias_taken", message) from None


def _find_problem(alias: Alias) -> str | None:
    """Why the site does not show the proof; None: it does. Redirects prove nothing."""
    problems = []
    for host in (alias.name, f"www.{alias.name}"):
        for path, shows in ((PROOF_PATH, _is_in_file), ("/", _is_in_tag)):
            url = f"https://{host}{path}"
            try:
                answer = request(
                    "GET", url, timeout_seconds=_TIMEOUT_SECONDS, max_answer_bytes=_MAX_PAGE_BYTES
                )
            except OutboundError as error:
                problems.append(f"{url}: {error}")
                continue
            if answer.status_code == 200 and shows(answer.text, alias.proof):
                return None
            problems.append(f"{url}: HTTP {answer.status_code}, without the proof")
    return "; ".join(problems)


def _is_in_file(text: str, proof: str) -> bool:
    return proof in text.split()


def _is_in_tag(text: str, proof: str) -> bool:
    """In the tag, not anywhere: a page may show what its visitors write."""
    return any(
        META_NAME in tag and f'content="{proof}"' in tag.replace("'", '"') for tag in _META.findall(text)
    )
