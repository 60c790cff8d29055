"""The form of a whole draft: its blocks, and the revision that was open when it was filled in."""

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from console.forms.blocks import BlockForm, from_stored, read_blocks
from console.selectors.pictures import PictureRow
from visuspace.models import Page
from visuspace.selectors.content import PLAIN


class DraftForm:
    """The blocks of a draft to edit; without a draft those of the plain page.

    seen: number of the revision that the form shows, 0 for none. A save names it, so that no other person's
    work is overwritten. note: what just happened, for the live region. focus: name of the button to focus.
    problem: what is wrong with the whole form. present: number of a newer revision that somebody else stored.
    """

    def __init__(
        self, page: Page | None, pictures: list[PictureRow], data: QueryDict | None = None
    ) -> None:  # fmt: skip
        draft = page.draft if page else None
        self.pictures = pictures
        self.is_changed = data is not None
        self.note = self.focus = self.problem = ""
        self.present = 0
        if data is None:
            self.seen = draft.number if draft else 0
            self.raws = from_stored(draft.blocks if draft else PLAIN)
        else:
            given = data.get("overwrite" if data.get("action") == "overwrite" else "seen", "")
            self.seen = int(given) if given.isdecimal() and len(given) < 9 else 0
            self.raws = read_blocks(data)
        self._checked: list[BlockForm] | None = None

    @property
    def blocks(self) -> list[BlockForm]:
        """Return the blocks' forms, judged if is_valid was asked."""
        return self._checked if self._checked is not None else self._make(check=False)

    def _make(self, *, check: bool) -> list[BlockForm]:
        ready = [row.picture for row in self.pictures if row.picture.is_ready]
        return [BlockForm(raw, pictures=ready, check=check) for raw in self.raws]

    def is_valid(self) -> bool:
        self._checked = self._make(check=True)
        wrong = sum(not form.is_valid() for form in self._checked)
        if wrong:
            self.problem = _("Nothing was saved yet. Check the marked fields.")
        return not wrong

    def to_stored(self) -> list[dict[str, Any]]:
        assert self._checked is not None, "ask is_valid first"
        return [form.to_stored() for form in self._checked]

    def go_on_with(self, id: str, action: str) -> None:
        """Note which block a button changed, so that the page can say so and focus the same button."""
        place = next((number for number, raw in enumerate(self.raws, start=1) if raw.id == id), 0)
        verb = action.partition(":")[0]
        self.focus = action if verb in ("up", "down") else f"up:{id}"
        if place and verb in ("up", "down"):
            text = _("Now at place %(place)s of %(all)s. Not saved yet.")
            self.note = text % {"place": place, "all": len(self.raws)}
        else:
            self.note = _("Not saved yet.")

    def mark_stale(self, message: str, page: Page | None) -> None:
        """Keep what was typed, and say that somebody else stored a newer revision."""
        self.problem = message
        self.present = page.draft.number if page and page.draft else 0
