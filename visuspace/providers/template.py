"""The offline default: a page from the conference's own data and the prompt, always the same for the same."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import override

from visuspace.brief import Brief
from visuspace.language import interface_language
from visuspace.prose import Faq, Prose, Section
from visuspace.providers import PROVIDERS, Written


class TemplateProvider:
    model = ""

    def write(self, brief: Brief, *, deadline_seconds: float) -> Written:
        with override(interface_language(brief.language)):
            return Written(_write(brief), is_verbatim=True)


def _write(brief: Brief) -> Prose:
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", brief.prompt) if part.strip()]
    lead = brief.tagline or (paragraphs.pop(0)[:600] if paragraphs else "")
    sections = [Section(_("About"), [text[:2000] for text in paragraphs[:6]])] if paragraphs else []
    faq = [Faq(_("How do I register?"), _("Fill in the form on this page. You get a mail with your badge."))]
    if brief.venue:
        faq.append(Faq(_("Where does it take place?"), brief.venue))
    if brief.starts:
        when = _("%(moment)s (%(place)s time)") % {"moment": brief.starts, "place": brief.zone}
        faq.append(Faq(_("When does it begin?"), when))
    faq.append(
        Faq(
            _("Can I bring someone along?"),
            _("Yes. Share this page with the button above; the organizers see who came through you."),
        )
    )
    return Prose(lead=lead, sections=sections, faq=faq, order=["text", "agenda", "speakers", "venue", "faq"])


PROVIDERS.add("template", TemplateProvider())
