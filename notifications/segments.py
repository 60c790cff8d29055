"""Counting the messages that an SMS is billed as.

3GPP TS 23.038 (the alphabet) and TS 23.040 §9.2.3.24.1 (concatenation): a text of the GSM 7-bit alphabet
has 160 septets, or 153 in each of several parts, because the header that joins them takes six bytes. Any
other text is UCS-2 with 70 code units of 16 bits, or 67 in each of several parts. Characters of the extension
table take two septets. Characters outside the Basic Multilingual Plane, such as emoji, take two code units.
Neither kind of pair is split over two parts.

One curly quote or non-breaking space makes the whole text UCS-2 and can double its price.
"""

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True)
class Segments:
    """Size of an SMS. encoding: "GSM-7" or "UCS-2". units: septets or code units. count: billed parts."""

    encoding: str
    units: int
    count: int


def count_segments(text: str) -> Segments:
    """Return the encoding that `text` needs, its length in units, and the number of parts."""
    if all(character in _BASIC or character in _EXTENSION for character in text):
        widths = [2 if character in _EXTENSION else 1 for character in text]
        return Segments("GSM-7", sum(widths), _parts(widths, single=160, part=153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Segments("UCS-2", sum(widths), _parts(widths, single=70, part=67))


def _parts(widths: list[int], *, single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1 if widths else 0
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
