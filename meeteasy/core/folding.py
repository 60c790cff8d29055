"""Texts as people compare them: without case, accents, width and composition, the same on every database."""

import re
import unicodedata

# Accents, and format characters: soft hyphens, and what phones put around a copied number.
_DROPPED = ("Mn", "Me", "Cf")
# Letters that Unicode does not decompose, though people type them without their stroke (I and İ become i),
# and signs that phones and text programs put in place of the keyboard's. The tatweel only widens a word.
_LETTERS = str.maketrans(
    {
        **{"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"},
        **dict.fromkeys("‘’ʼ‛`", "'"),
        **dict.fromkeys("‐‒–—−", "-"),
        "\u0640": None,
    }
)
# Scripts that write names with or without a space or dot inside: `李 小龙`, `李小龙`; `约翰·史密斯`,
# `约翰史密斯`. Han, Kana, Bopomofo, and Hangul as NFKD takes it apart.
_UNSPACED = (
    r"[\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3041-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ud7b0-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_GAP = re.compile(rf"(?<={_UNSPACED})[ \t·‧•・]+(?={_UNSPACED})")
_SPACES = re.compile(" {2,}")
_DIGITS = re.compile(r"[\s().+/_-]*(?:[0-9][\s().+/_-]*)+\Z")


def fold(text: str) -> str:
    """`Émile`, `EMILE` and `e\u0301mile` are one; so are `straße` and `STRASSE`, `Ａｎｎ` and `ann`.

    Unicode's compatibility caseless matching (Unicode standard, D146), no marks, digits of any script as
    ASCII's, one sort of dash, apostrophe and blank, and no gaps inside names that need none: `李 小龙` and
    `李小龙` are one. What is folded stays so when it is folded again.
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = "".join(map(_fold_character, text)).translate(_LETTERS)
    return _GAP.sub("", _SPACES.sub(" ", text))


def _fold_character(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in _DROPPED:
        return ""
    return str(unicodedata.decimal(character)) if category == "Nd" else character


def fold_digits(text: str) -> str:
    """Return the digits of text that looks like part of a phone number, else "": `138 0013` → `1380013`."""
    folded = fold(text)
    return re.sub("[^0-9]", "", folded) if _DIGITS.match(folded) else ""
