"""The blocks of a page together with what the database knows."""

from dataclasses import dataclass, field
from typing import Any

from conferences.models import Conference
from visuspace.blocks import Block, read_blocks
from visuspace.models import Page

# The page of a conference for which nobody made one.
PLAIN = [{"type": kind, "id": kind} for kind in ("hero", "agenda", "speakers", "venue", "registration")]


@dataclass(frozen=True)
class ShownBlock:
    """A block as its template shows it."""

    kind: str
    id: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        return f"visuspace/blocks/{self.kind}.html"


def load_blocks(conference: Conference, *, language: str) -> list[Block]:
    """Load the published blocks of a page, or those of the plain page."""
    found = Page.objects.filter(conference=conference, language=language, published__isnull=False)
    page = found.select_related("published").first()
    return read_blocks(page.published.blocks if page and page.published else PLAIN)


def show_blocks(conference: Conference, blocks: list[Block], *, language: str) -> list[ShownBlock]:
    """Fill blocks with the conference's data, without empty ones. language: of dates."""
    shown = ((block, block.show(conference, language=language)) for block in blocks)
    return [ShownBlock(block.kind, block.id, data) for block, data in shown if data is not None]
