"""What a provider writes about a conference, and how it becomes the blocks of a page.

A provider writes prose and an order, nothing else. Names, dates, rooms and prices come from the database: a
sentence with a number or a person's name that the conference's data does not have is left out.
"""

import re
from typing import Annotated

import msgspec

from visuspace.blocks import Block
from visuspace.blocks.agenda import Agenda
from visuspace.blocks.faq import Faq as FaqBlock
from visuspace.blocks.faq import Item
from visuspace.blocks.hero import Hero
from visuspace.blocks.registration import Registration
from visuspace.blocks.speakers import Speakers
from visuspace.blocks.text import Text
from visuspace.blocks.venue import Venue
from visuspace.brief import Brief

_Short = Annotated[str, msgspec.Meta(max_length=200)]
_Long = Annotated[str, msgspec.Meta(max_length=2000)]

# What a provider can put into an order.
KINDS = ("text", "agenda", "speakers", "venue", "faq")


class Section(msgspec.Struct, frozen=True):
    heading: _Short
    paragraphs: Annotated[list[_Long], msgspec.Meta(max_length=6)]


class Faq(msgspec.Struct, frozen=True):
    question: _Short
    answer: _Long


class Prose(msgspec.Struct, frozen=True):
    """The text of a page. order: the kinds of blocks, each at most once; missing ones follow."""

    lead: Annotated[str, msgspec.Meta(max_length=600)]
    sections: Annotated[list[Section], msgspec.Meta(max_length=6)] = []
    faq: Annotated[list[Faq], msgspec.Meta(max_length=10)] = []
    order: Annotated[list[str], msgspec.Meta(max_length=20)] = []


def assemble(prose: Prose, brief: Brief, *, is_verbatim: bool) -> list[Block]:
    """Make the blocks of a page from a provider's prose. is_verbatim: no sentence is left out."""
    checker = _Checker(brief, is_verbatim=is_verbatim)
    texts = [
        Text(
            id=f"text-{number}",
            heading=checker.keep(section.heading),
            paragraphs=kept,
        )
        for number, section in enumerate(prose.sections, start=1)
        if (kept := [text for paragraph in section.paragraphs if (text := checker.keep(paragraph))])
    ]
    items = [
        Item(question, answer)
        for item in prose.faq
        if (question := checker.keep(item.question)) and (answer := checker.keep(item.answer))
    ]
    by_kind: dict[str, list[Block]] = {
        "text": list(texts),
        "agenda": [Agenda(id="agenda")],
        "speakers": [Speakers(id="speakers")],
        "venue": [Venue(id="venue")],
        "faq": [FaqBlock(id="faq", items=items)] if items else [],
    }
    order = dict.fromkeys([*(kind for kind in prose.order if kind in by_kind), *KINDS])
    content = [block for kind in order for block in by_kind[kind]]
    return [Hero(id="hero", lead=checker.keep(prose.lead)), *content, Registration(id="form")]


_SENTENCE = re.compile(r"[^.!?。！？]+(?:[.!?。！？]+|$)\s*")
_NUMBER = re.compile(r"\d+")
# Two or more capitalised words in a row, as people, companies and places are written.
_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][\w'’-]*"
_NAME = re.compile(rf"\b{_CAPITALISED}(?:\s+(?:(?:de|da|van|von|bin|al|der|di|la)\s+)*{_CAPITALISED})+")
# Chinese names beside a title or a role.
_CHINESE_NAME = re.compile(
    r"([\u4e00-\u9fff·]{2,4}?)(?:先生|女士|教授|博士|老师|院士|主席|总裁|总监|总经理|首席)|"
    r"(?:嘉宾|讲者|演讲者|讲师|主讲人|主持人|教授|博士)[：:\s是为]*([\u4e00-\u9fff·]{2,4})"
)
# Words that begin a sentence in front of a name, or of a noun in languages that capitalise nouns.
_OPENERS = frozenset({
    "the", "a", "an", "our", "your", "this", "join", "meet", "with", "hear", "welcome",
    "das", "der", "die", "ein", "eine", "den", "dem", "unser", "unsere", "wir", "im", "am",
})  # fmt: skip
_WORD = re.compile(r"[\w'’-]+")


class _Checker:
    """Leaves out sentences that say what the conference's data does not."""

    def __init__(self, brief: Brief, *, is_verbatim: bool) -> None:
        self._is_verbatim = is_verbatim
        known = brief.known_text
        self._known = known.casefold()
        self._words = {word.casefold() for word in _WORD.findall(known)}
        self._numbers = set(_NUMBER.findall(known))

    def keep(self, text: str) -> str:
        """Return a text without the sentences that cannot be true. Line breaks become blanks."""
        text = " ".join(text.split())
        if self._is_verbatim:
            return text
        return "".join(found[0] for found in _SENTENCE.finditer(text) if self._is_known(found[0])).strip()

    def _is_known(self, sentence: str) -> bool:
        if any(number not in self._numbers for number in _NUMBER.findall(sentence)):
            return False
        names = (found[0] for found in _NAME.finditer(sentence))
        return all(map(self._is_known_name, names)) and all(
            self._is_known_chinese(before, after) for before, after in _CHINESE_NAME.findall(sentence)
        )

    def _is_known_name(self, name: str) -> bool:
        words = [word.casefold() for word in _WORD.findall(name) if word[0].isupper()]
        has_opener = words[0] in _OPENERS
        return (has_opener and len(words) < 3) or self._words.issuperset(words[has_opener:])

    def _is_known_chinese(self, before: str, after: str) -> bool:
        """before, after: what stands before a title or after a role; the name is its end or beginning."""
        parts = [before[-length:] if before else after[:length] for length in (2, 3, 4)]
        return any(part in self._known for part in parts)
