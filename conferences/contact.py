"""Validating and normalising attendees' names, mail addresses and phone numbers."""

import re
import unicodedata
from typing import Any

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.validators import validate_single_line
from meeteasy.core.addresses import normalise_email, to_ascii_domain
from meeteasy.core.names import has_web_address, strip_invisible

MAX_NAME = 200
MAX_EMAIL = 254
MAX_PHONE = 16  # E.164: "+" and 15 digits

# An RFC 5322 atom that also allows the letters and digits of every script (RFC 6531).
_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+\Z")
_validate_domain = DomainNameValidator(accept_idna=False)


def read_text(value: Any) -> str:
    """Return a client's value as text. Numbers become text, since other systems' ids are numbers; null is "".

    Raises ValidationError for anything else.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValidationError(_("This must be a text."), code="invalid")


def clean_line(text: str, *, most: int, required: bool = False) -> str:
    """Return one line of text in NFC, without surrounding blanks. Raises ValidationError."""
    # Skip normalising very long input: NFC never makes a text shorter than a third.
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


def clean_name(text: str) -> str:
    """Return a person's name without invisible characters. Raises ValidationError.

    A name with a web address is invalid: the confirmation would mail it to any address a stranger types.
    """
    name = clean_line(strip_invisible(text), most=MAX_NAME, required=True)
    if has_web_address(name):
        raise ValidationError(_("A name cannot contain a web address."), code="web_address")
    return name


def clean_email(text: str) -> str:
    """Return a mail address in its canonical form: NFC, lower case, domain in its own script.

    meeteasy/core/addresses.py defines which addresses are equal. Raises ValidationError, also for a quoted
    local part.
    """
    text = clean_line(strip_invisible(text), most=MAX_EMAIL, required=True)
    email = normalise_email(text)
    local, at, domain = email.rpartition("@")
    invalid = ValidationError(_("This is not a mail address."), code="invalid")
    # RFC 5321 §4.5.3.1 limits the stored form: lower case can be longer.
    if not at or len(local.encode()) > 64 or not all(_ATOM.match(atom) for atom in local.split(".")):
        raise invalid
    try:
        ascii_domain = to_ascii_domain(domain)
        _validate_domain(ascii_domain)
    except (ValueError, ValidationError):
        raise invalid from None
    if "." not in domain:
        raise invalid
    if len(email) > MAX_EMAIL or len(f"{local}@{ascii_domain}".encode()) > MAX_EMAIL:
        raise invalid
    return email


def clean_phone(text: str, *, region: str) -> str:
    """Return a phone number in E.164, e.g. `+8613800138000`, or "" for "". Digits may be of any script.

    region: ISO 3166 code of the country of numbers without `+`, or empty. Raises ValidationError.
    """
    # Programs group digits with narrow blanks, and what is copied from a web page has invisible marks.
    text = "".join(" " if unicodedata.category(each) == "Zs" else each for each in strip_invisible(text))
    text = clean_line(text, most=50)
    if not text:
        return ""
    if text.endswith(".0"):  # a spreadsheet's number, of which nobody knows whether the 0 is a digit
        raise ValidationError(_("This is not a phone number."), code="invalid")
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            message = _("The number needs its country code, e.g. +86 138 0013 8000.")
        else:
            message = _("This is not a phone number.")
        raise ValidationError(message, code="invalid") from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if len(written) > MAX_PHONE or not _can_be_reached(number):
        raise ValidationError(_("Nobody can be reached at this phone number."), code="invalid")
    return written


def _can_be_reached(number: phonenumbers.PhoneNumber) -> bool:
    """Whether the number can be dialled from abroad, and at the usual price.

    Emergency, service and local numbers cannot. `is_valid_number` alone is too strict: its tables age and
    would reject numbers from an operator's new range. Numbers that it does not know need the length of a
    mobile one, or else a digit was forgotten or typed twice, and the shape of the country's plan: in North
    America nobody has a number that begins with 1.
    """
    if phonenumbers.is_valid_number(number):
        return phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.PREMIUM_RATE
    length = phonenumbers.is_possible_number_for_type_with_reason(number, phonenumbers.PhoneNumberType.MOBILE)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE or phonenumbers.is_valid_short_number(number):
        return False
    code = number.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    shape = plan.general_desc.national_number_pattern
    return re.fullmatch(shape, phonenumbers.national_significant_number(number)) is not None


def pick_language(conference: Conference, wanted: str) -> str:
    """Return the conference's language closest to `wanted`, e.g. the browser's, or else its first language.

    `zh-CN` finds `zh-hans`, since a conference rarely has two languages of one family.
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
