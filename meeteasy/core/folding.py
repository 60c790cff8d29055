"""Texts as people compare them: without case, accents, width and composition, the same on every database."""

import re
import unicodedata

_MARKS = ("Mn", "Me")
# Letters that Unicode does not decompose, though people type them without their stroke. (I and İ become i.)
_LETTERS = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)
_DIGITS = re.compile(r"[\s().+/\-–]*(?:[0-9][\s().+/\-–]*)+\Z")


def fold(text: str) -> str:
    """`Émile`, `EMILE` and `e\u0301mile` are one; so are `straße` and `STRASSE`, `Ａｎｎ` and `ann`.

    Unicode's compatibility caseless matching (Unicode standard, D146), and no marks.
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (character for character in text if unicodedata.category(character) not in _MARKS)
    return "".join(kept).translate(_LETTERS)


def fold_digits(text: str) -> str:
    """Return the digits of text that looks like part of a phone number, else "": `138 0013` → `1380013`."""
    folded = unicodedata.normalize("NFKC", text)
    return re.sub(r"\D", "", folded) if _DIGITS.match(folded) else ""
