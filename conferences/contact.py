"""What attendees say about themselves, brought into one form and checked field by field."""

import math
import re
import unicodedata
from typing import Any

import idna
import msgspec
import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.validators import validate_single_line

MAX_NAME = 200
MAX_EMAIL = 254
MAX_ID = 64
MAX_ANSWERS = 100
MAX_ANSWERS_BYTES = 16 * 1024

# An atom of RFC 5322, with the letters and digits of every script (RFC 6531).
_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+\Z")
_validate_domain = DomainNameValidator(accept_idna=False)


def clean_line(text: str, *, most: int, required: bool = False) -> str:
    """One line of text in composed form (NFC) without blanks around it. Raises ValidationError."""
    # Long input is not worth normalising; NFC never makes a text shorter than a third.
    if len(text) <= 3 * most:
        text = unicodedata.normalize("NFC", text).strip(" \u00a0\u3000\ufeff")
    if required and not text:
        raise ValidationError(_("This field may not be blank."), code="blank")
    if len(text) > most:
        raise ValidationError(
            _("%(length)s characters; at most %(most)s are allowed."),
            code="max_length",
            params={"length": len(text), "most": most},
        )
    validate_single_line(text)
    return text


def clean_email(text: str) -> str:
    """A mail address in the form in which equal ones are equal: NFC, lower case, domain in its own script.

    RFC 5321 lets a server tell `Ann@` from `ann@`; none does, and people type both. Quoted local parts are
    refused. Raises ValidationError.
    """
    text = clean_line(text, most=MAX_EMAIL, required=True)
    local, at, domain = text.rpartition("@")
    invalid = ValidationError(_("This is not a mail address."), code="invalid")
    if not at or len(local.encode()) > 64 or not all(_ATOM.match(atom) for atom in local.split(".")):
        raise invalid
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode()
        _validate_domain(ascii_domain)
        domain = idna.decode(ascii_domain)
    except (idna.IDNAError, UnicodeError, ValidationError):
        raise invalid from None
    if "." not in domain:
        raise invalid
    return f"{local.lower()}@{domain}"


def clean_phone(text: str, *, region: str) -> str:
    """A phone number in E.164, e.g. `+8613800138000`; empty stays empty. Digits may be of any script.

    region: ISO 3166 code that a number without `+` belongs to, or empty. Raises ValidationError.
    """
    text = clean_line(text, most=50)
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            message = _("The number needs its country code, e.g. +86 138 0013 8000.")
        else:
            message = _("This is not a phone number.")
        raise ValidationError(message, code="invalid") from None
    # Not `is_valid_number`: its tables age, and would turn people away whose operator got a new range.
    if not phonenumbers.is_possible_number(number):
        raise ValidationError(_("This phone number is too short or too long."), code="invalid")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_answers(answers: Any) -> dict[str, Any]:
    """What was filled in beside the fixed fields: texts, numbers, yes or no, or lists of those, by name.

    Line breaks are fine here. Raises ValidationError.
    """
    if not isinstance(answers, dict) or len(answers) > MAX_ANSWERS:
        raise ValidationError(_("This must be an object of at most %(most)s answers."), params={"most": 100})
    for name, answer in answers.items():
        if not isinstance(name, str):
            raise ValidationError(_("The names of answers are texts."))
        _check_text(name)
        for value in answer if isinstance(answer, list) else [answer]:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, float) and not math.isfinite(value):
                raise ValidationError(_("“%(name)s” is not a number."), params={"name": name[:64]})
            elif isinstance(value, int) and abs(value) >= 2**63:
                raise ValidationError(_("“%(name)s” has more than 64 bits."), params={"name": name[:64]})
            elif not (value is None or isinstance(value, bool | int | float)):
                raise ValidationError(
                    _("“%(name)s” must be a text, a number, yes or no, or a list of those."),
                    params={"name": name[:64]},
                )
    if len(msgspec.json.encode(answers)) > MAX_ANSWERS_BYTES:
        raise ValidationError(
            _("The answers take more than %(most)s bytes."), params={"most": MAX_ANSWERS_BYTES}
        )
    return answers


def _check_text(text: str) -> None:
    """Refuse what databases cannot keep: NUL, and halves of surrogate pairs."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError(_("NUL and halves of surrogate pairs are not allowed."), code="invalid_text")


def pick_language(conference: Conference, wanted: str) -> str:
    """The conference's language that suits `wanted` (e.g. what a browser says) best; else its first.

    `zh-CN` finds `zh-hans`, as a conference rarely has two of one family.
    """
    wanted = wanted.lower().replace("_", "-")
    family = wanted.partition("-")[0]
    for matches in (
        [code for code in conference.languages if code == wanted],
        [code for code in conference.languages if code.partition("-")[0] == family],
    ):
        if matches:
            return str(matches[0])
    return str(conference.languages[0])
