"""What the script of the desk asks for: scans, names, counts, and the list for a device without network."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conferences import badges
from conferences.access import Role, get_passage, get_registration, may, signed_in
from conferences.models import Member, Passage, Registration
from conferences.selectors.desk import count_door, make_list
from conferences.selectors.registrations import active_check_in, find_by_name
from conferences.services import passages
from conferences.services.checkins import correct_clock
from conferences.services.idempotency import Answer, answer_once
from conferences.services.registrations import decide
from conferences.states import Action
from console.access import conference_page
from console.formats import clock
from console.pages.desk_answers import describe, describe_foreign, describe_since, describe_unknown
from console.shell import zone_of
from meeteasy.core.errors import RefusedError, error_body
from meeteasy.core.json_input import TOO_DEEP

FOUND_AT_ONCE = 20
_MAX_BODY_BYTES = 4096
_CORRECTIONS = 100
# A steward may take back what they did a moment ago; later it takes a helper.
_OWN_UNDO = dt.timedelta(minutes=10)

_Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]
_Text = Annotated[str, msgspec.Meta(max_length=512)]


class ScanInput(msgspec.Struct, forbid_unknown_fields=True):
    """A scan: the code of a badge as it was read, or the id of somebody who was found by name.

    scanned_at, sent_at: by the device's clock. approve: approve a pending person first; helpers only.
    account: the id of the account that scanned; a queue may be sent when somebody else is signed in.
    """

    scanned_at: _Instant
    sent_at: _Instant
    code: _Text = ""
    registration: Annotated[str, msgspec.Meta(max_length=32)] = ""
    direction: Literal["in", "out"] = "in"
    gate: Annotated[str, msgspec.Meta(max_length=100)] = ""
    method: Literal["scanner", "camera", "search"] = "scanner"
    approve: bool = False
    account: Annotated[str, msgspec.Meta(max_length=32)] = ""


@require_POST
@conference_page(Role.STEWARD)
def scan(request: HttpRequest, member: Member) -> HttpResponse:
    """Take a scan. The answer is 200 for whatever became of it; `outcome` says what.

    A repeated `Idempotency-Key` gets the first outcome again.
    """
    try:
        given = _read(request)
        if given.account and given.account != str(signed_in(request.user).pk):
            # Not taken in their name: it says who let somebody in. The device keeps it until they sign in.
            raise RefusedError("other_account", _("Somebody else scanned this: they must sign in."))
        if given.approve and not may(member.role, Role.HELPER):
            raise PermissionDenied("Only helpers and owners approve.")
        with timezone.override(zone_of(member.conference)):
            return JsonResponse(_take(request, member, given))
    except ValidationError as error:
        details = getattr(error, "message_dict", None) or {"": error.messages}
        return JsonResponse(error_body("invalid", _("This scan is not valid."), details), status=400)
    except RefusedError as error:
        return JsonResponse(error_body(error.code, error.message), status=error.status)


def _read(request: HttpRequest) -> ScanInput:
    """Return the scan of a request. Raises ValidationError that names the field."""
    body = request.read(_MAX_BODY_BYTES + 1)
    if len(body) > _MAX_BODY_BYTES:
        raise ValidationError({"body": _("At most %(most)s bytes.") % {"most": _MAX_BODY_BYTES}})
    try:
        given = msgspec.json.decode(body, type=ScanInput)
    except RecursionError:
        raise ValidationError({"body": _(TOO_DEEP)}) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValidationError({"body": str(error)}) from None
    if bool(given.code) == bool(given.registration):
        raise ValidationError({"code": _("Give either a code or a registration.")})
    if "\0" in f"{given.code}{given.registration}{given.gate}":
        raise ValidationError({"code": _("NUL is not allowed.")})
    return given


def _take(request: HttpRequest, member: Member, given: ScanInput) -> dict[str, Any]:
    conference = member.conference
    if given.code:
        try:
            registration = badges.find_by_code(conference, given.code)
        except RefusedError as error:
            if error.code == "foreign_badge":
                return describe_foreign(badges.find_conference(given.code))
            return describe_unknown(badges.clean_code(given.code))
    else:
        registration = get_registration(request.user, conference.id, given.registration, role=Role.STEWARD)
    user, now = signed_in(request.user), timezone.now()

    def act() -> Answer:
        if given.approve and registration.state == Registration.State.PENDING:
            decide(registration.id, Action.APPROVE, by=user, now=now)
        try:
            scanned = passages.scan(
                registration.id, direction=given.direction, by=user, method=given.method, gate=given.gate,
                scanned_at=correct_clock(given.scanned_at, sent_at=given.sent_at, now=now), now=now,
            )  # fmt: skip
        except RefusedError as error:
            return 200, {"outcome": error.details.get("state") or Registration.State.CANCELLED.value}
        since = scanned.since.id if scanned.since else ""
        return 200, {"outcome": scanned.outcome.value, "passage": scanned.passage.id, "since": since}

    # Not sent_at: a device that got no answer sends the scan again, later.
    body = [given.code, given.registration, given.direction, given.gate, given.scanned_at.isoformat()]
    _status, answer = answer_once(
        conference=conference, scope="desk", key=request.headers.get("Idempotency-Key"), body=body, act=act
    )
    ids = [key for key in (answer.get("passage"), answer.get("since")) if key]
    found = Passage.objects.select_related("scanned_by").in_bulk(ids)
    registration.conference = conference
    return {
        **describe(
            answer["outcome"], registration,
            found.get(answer.get("passage", "")), found.get(answer.get("since", "")),
        ),
        "approvable": answer["outcome"] == "pending" and may(member.role, Role.HELPER),
    }  # fmt: skip


@require_POST
@conference_page(Role.STEWARD)
def undo_scan(request: HttpRequest, member: Member, passage_id: str) -> HttpResponse:
    """Undo a scan: one's own of the last minutes, or any as a helper."""
    user, now = signed_in(request.user), timezone.now()
    found = get_passage(user, member.conference_id, passage_id, role=Role.STEWARD)
    is_own = found.scanned_by_id == user.pk and now - found.recorded_at <= _OWN_UNDO
    if not is_own and not may(member.role, Role.HELPER):
        raise PermissionDenied("Stewards undo their own scans, within ten minutes.")
    passages.undo_passage(found.id, by=user, now=now)
    return JsonResponse({"undone": found.id})


@require_safe
@conference_page(Role.STEWARD)
def find(request: HttpRequest, member: Member) -> HttpResponse:
    """Find attendees by name: at most 20, with what the desk needs of them."""
    q = request.GET.get("q", "").strip()[:200]
    rows = find_by_name(member.conference, q, limit=FOUND_AT_ONCE + 1) if q else []
    with timezone.override(zone_of(member.conference)):
        people = [{"id": row.id, "name": row.name, "note": _note(row)} for row in rows[:FOUND_AT_ONCE]]
    return JsonResponse({"people": people, "more": len(rows) > FOUND_AT_ONCE})


def _note(registration: Registration) -> str:
    check_in = active_check_in(registration)
    state = str(registration.get_state_display())
    if check_in is None:
        return state
    return f"{state} · {_('checked in %(when)s') % {'when': clock(check_in.checked_in_at)}}"


@require_safe
@conference_page(Role.STEWARD)
def counts(request: HttpRequest, member: Member) -> HttpResponse:
    """Count the door, and name the reader's own scans that an earlier one of another desk overtook."""
    user, now = signed_in(request.user), timezone.now()
    counted = asdict(count_door(member.conference, now=now))
    overtaken = Passage.objects.filter(
        scanned_by=user, registration__conference=member.conference, undone_at=None,
        recorded_at__gte=now - dt.timedelta(days=1), check_in__superseded_by__isnull=False,
    ).select_related("check_in__superseded_by__passage__scanned_by")[:_CORRECTIONS]  # fmt: skip
    with timezone.override(zone_of(member.conference)):
        corrections = {
            row.id: describe_since(row.check_in.superseded_by.passage)
            for row in overtaken
            if row.check_in and row.check_in.superseded_by
        }
    return JsonResponse({**counted, "corrections": corrections})


@require_safe
@conference_page(Role.STEWARD)
def device_list(request: HttpRequest, member: Member) -> HttpResponse:
    """Hand out the list by which a device recognises badges without network, until the session ends."""
    found = make_list(member.conference, now=timezone.now(), language=get_language() or "en")
    found["account"] = str(signed_in(request.user).pk)
    found["until"] = request.session.get_expiry_date().isoformat()
    answer = HttpResponse(msgspec.json.encode(found), content_type="application/json")
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
@conference_page(Role.STEWARD)
def worker(request: HttpRequest, member: Member) -> HttpResponse:
    """Serve the service worker where its scope is this conference's desk and nothing else."""
    path = finders.find("console/desk-worker.js")
    assert isinstance(path, str)
    answer = HttpResponse(Path(path).read_bytes(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer
