"""The custom questions of the registration form: their order, and each of them on a page of its own."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conferences.access import Role
from conferences.models import Conference, Member
from conferences.questions import MAX_QUESTIONS, text_in
from conferences.services import questions as services
from console.access import conference_page
from console.forms.questions import KINDS, QuestionForm, empty_form, form_of, read_form
from console.shell import render_page


@conference_page(Role.OWNER)
@require_safe
def questions(request: HttpRequest, member: Member) -> HttpResponse:
    """The questions in their order."""
    language, kinds = get_language() or "en", dict(KINDS)
    rows = [
        {
            "key": item["key"], "label": text_in(item["label"], language), "kind": kinds[item["kind"]],
            "is_required": item.get("required", False), "options": len(item.get("options", [])),
        }
        for item in member.conference.questions
    ]  # fmt: skip
    context = {"questions": rows, "is_full": len(rows) >= MAX_QUESTIONS, "most": MAX_QUESTIONS}
    return render_page(request, "console/questions.html", context, member=member, place="people")


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def new_question(request: HttpRequest, member: Member) -> HttpResponse:
    conference = member.conference
    if request.method != "POST":
        return _show(request, member, empty_form(conference))
    form = read_form(conference, request.POST, known=None)
    if _is_rearranged(request, form):
        return _show(request, member, form)
    return _save(request, member, form, key="")


@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest, member: Member, key: str) -> HttpResponse:
    conference = member.conference
    known = _find(conference, key)
    if request.method != "POST":
        return _show(request, member, form_of(conference, known), key=key)
    form = read_form(conference, request.POST, known=known)
    if _is_rearranged(request, form):
        return _show(request, member, form, key=key)
    return _save(request, member, form, key=key)


@conference_page(Role.OWNER)
@require_POST
def move_question(request: HttpRequest, member: Member, key: str) -> HttpResponse:
    _find(member.conference, key)
    services.move_question(member.conference, key, -1 if request.POST.get("to") == "up" else 1)
    return redirect("console-questions", member.conference_id)


@conference_page(Role.OWNER)
@require_POST
def remove_question(request: HttpRequest, member: Member, key: str) -> HttpResponse:
    _find(member.conference, key)
    services.remove_question(member.conference, key)
    messages.success(
        request, _("The question was removed. Answers to it stay with the people who gave them.")
    )
    return redirect("console-questions", member.conference_id)


def _is_rearranged(request: HttpRequest, form: QuestionForm) -> bool:
    """Move an option or add rows, if a button for that was pressed. Nothing is saved then."""
    action = request.POST.get("do", "")
    if action == "more":
        form.add_rows()
    elif action.startswith("up-") and action[3:].isdecimal():
        form.move_up(int(action[3:6]))
    else:
        return False
    return True


def _save(request: HttpRequest, member: Member, form: QuestionForm, *, key: str) -> HttpResponse:
    if not form.check():
        return _show(request, member, form, key=key, status=400)
    try:
        if key:
            services.change_question(member.conference, key, form.question())
        else:
            services.add_question(member.conference, form.question())
    except ValidationError as error:
        form.errors["other"] = " ".join(error.messages)
        return _show(request, member, form, key=key, status=400)
    messages.success(request, _("The question was saved. The form has it now."))
    return redirect("console-questions", member.conference_id)


def _show(
    request: HttpRequest, member: Member, form: QuestionForm, *, key: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "key": key, "kinds": KINDS}
    return render_page(
        request, "console/question.html", context, member=member, place="people", status=status
    )


def _find(conference: Conference, key: str) -> dict[str, Any]:
    for item in conference.questions:
        if item["key"] == key:
            return dict(item)
    raise Http404("There is no such question.")
