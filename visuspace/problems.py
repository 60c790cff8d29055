"""Why a generation failed, in plain words; the codes are in docs/event-pages.md."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_MESSAGES: dict[str, "StrOrPromise"] = {
    "refused": _("The model refused to write this. Word the description differently."),
    "too_long": _("The model wrote too much and was cut off. Ask for a shorter page."),
    "invalid_answer": _(
        "The model's answer could not be used, even after it was asked to correct it. Try again."
    ),
    "unauthorized": _("The model's server refused our key. An operator checks AI_API_KEY."),
    "refused_request": _(
        "The model's server refused the request. An operator checks AI_BASE_URL and AI_MODEL."
    ),
    "private_address": _(
        "The model's server has a private address. An operator allows it with OUTBOUND_PRIVATE_HOSTS."
    ),
    "rate_limited": _("The model's server is busy."),
    "provider_failed": _("The model's server had an error."),
    "unreachable": _("The model's server could not be reached."),
    "deadline": _("The model did not answer in time."),
    "too_many_attempts": _("The generation was interrupted several times and was given up."),
}


def describe(code: str) -> str:
    """Return the message for people, in the current language."""
    return str(_MESSAGES.get(code, _("The page could not be written.")))
