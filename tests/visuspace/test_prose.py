"""From a provider's prose to blocks: nothing that the conference's data does not have gets on the page."""

import pytest

from visuspace.blocks import read_blocks, write_blocks
from visuspace.blocks.faq import Faq as FaqBlock
from visuspace.blocks.hero import Hero
from visuspace.blocks.text import Text
from visuspace.brief import Brief
from visuspace.prose import Faq, Prose, Section, assemble

BRIEF = Brief(
    conference_id="summit", name="Starlight Summit 2026", tagline="", days="26–27 November 2026", starts="",
    venue="West Bund, Shanghai", zone="Shanghai", language="en", prompt="",
    speakers=["Maya Patel, Field Notes", "赵磊, 星河实验室"], sessions=["09:30 · Opening · Main hall"],
)  # fmt: skip


def lead_of(text: str) -> str:
    hero = assemble(Prose(lead=text), BRIEF, is_verbatim=False)[0]
    assert isinstance(hero, Hero)
    return hero.lead


@pytest.mark.parametrize(
    "text",
    [
        "Two days about open events.",
        "Join Maya Patel and meet the people behind open events!",
        "Maya Patel talks at 09:30 in the Main hall.",
        "See you in Shanghai on 26 November 2026.",
        "Das Treffen für alle. Bis bald!",
        "和赵磊一起讨论开源活动。",
        "欢迎赵磊先生。",
    ],
)
def test_what_the_data_says_may_be_said(text: str) -> None:
    assert lead_of(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Our keynote is given by Elon Musk.",
        "Meet Jean-Luc de la Tour.",
        "Tickets cost 99 euros.",
        "It begins at 10:15.",
        "We meet on 3 December.",
        "特邀马斯克先生演讲。",
        "嘉宾：马云。",
    ],
)
def test_invented_names_and_numbers_are_left_out(text: str) -> None:
    assert lead_of(f"Welcome to all. {text}") == "Welcome to all."


def test_the_model_orders_and_the_database_fills() -> None:
    prose = Prose(
        lead="Welcome.",
        sections=[
            Section("Why come", ["To meet.", "It costs 50 euros."]),
            Section("Price", ["10 euros."]),
        ],
        faq=[Faq("Is it free?", "Yes."), Faq("Who speaks?", "Elon Musk does.")],
        order=["venue", "faq", "venue", "pictures"],
    )
    made = assemble(prose, BRIEF, is_verbatim=False)
    assert [block.kind for block in made] == [
        "hero", "venue", "faq", "text", "agenda", "speakers", "registration",
    ]  # fmt: skip
    text = next(block for block in made if isinstance(block, Text))
    assert (text.heading, text.paragraphs) == ("Why come", ["To meet."])
    faq = next(block for block in made if isinstance(block, FaqBlock))
    assert [item.question for item in faq.items] == ["Is it free?"]
    assert read_blocks(write_blocks(made)) == made


def test_the_organizers_own_words_stay() -> None:
    hero = assemble(Prose(lead="Elon Musk, 99 euros."), BRIEF, is_verbatim=True)[0]
    assert isinstance(hero, Hero)
    assert hero.lead == "Elon Musk, 99 euros."
