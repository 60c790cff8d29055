"""Fields of the registration form, each with its label, error and the value that was entered."""

from typing import Any

from django import template

from visuspace.forms import EnteredForm
from visuspace.selectors.event_page import FormQuestion

register = template.Library()


@register.inclusion_tag("visuspace/text_field.html")
def text_field(
    form: EnteredForm,
    name: str,
    label: str,
    *,
    type: str = "text",
    autocomplete: str = "",
    hint: str = "",
    required: bool = False,
    max: int = 2000,
) -> dict[str, Any]:
    """A field for one line of text."""
    return {
        **_common(form, name), "label": label, "type": type, "autocomplete": autocomplete, "hint": hint,
        "required": required, "max": max,
    }  # fmt: skip


@register.inclusion_tag("visuspace/question_field.html")
def question_field(form: EnteredForm, question: FormQuestion) -> dict[str, Any]:
    """The field or fields of a custom question."""
    context = _common(form, f"answers.{question.key}")
    chosen = context["value"]
    context["chosen"] = chosen if isinstance(chosen, list) else [chosen]
    return {**context, "question": question}


def _common(form: EnteredForm, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": f"field-{name.replace('.', '-')}",
        "value": form.values.get(name, ""),
        "error": form.errors.get(name, ""),
        "is_first_error": name == next(iter(form.errors), None),
    }
