"""Languages of pages: any that a conference has; our own words around them exist in settings.LANGUAGES."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils.translation.trans_real import parse_accept_lang_header


def choose_language(languages: Sequence[str], wanted: Iterable[str]) -> str:
    """Return the conference's language for a visitor. wanted: what they read, the best first."""
    for code in wanted:
        family = code.partition("-")[0]
        related = (language for language in languages if language.partition("-")[0] == family)
        found = code if code in languages else next(related, None)
        if found:
            return found
    return languages[0]


def read_wanted(given: str, accepted: str) -> list[str]:
    """Return the languages that a visitor reads, the best first.

    given: of the address (`lang`), or "". accepted: the header Accept-Language.
    """
    codes = [given.lower(), *(code for code, _quality in parse_accept_lang_header(accepted))]
    return [code for code in codes if code]


def interface_language(language: str) -> str:
    """Return the language of our own words on a page in `language`."""
    family = language.partition("-")[0]
    codes = [code for code, _name in settings.LANGUAGES]
    related = (code for code in codes if code.partition("-")[0] == family)
    return language if language in codes else next(related, codes[0])
