"""Adding people: one by hand, many from a file, after a look at what each line would do."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conferences.access import Role, signed_in
from conferences.models import Member, Registration
from conferences.selectors.registrations import count_taken
from conferences.services import jobs
from conferences.services.csv_files import MAX_BYTES, MAX_LINES
from console.access import conference_page
from console.forms.people import PersonForm
from console.services.people import add_person
from console.shell import render_page


@conference_page(Role.HELPER)
@require_http_methods(["GET", "HEAD", "POST"])
def new_person(request: HttpRequest, member: Member) -> HttpResponse:
    """Add a person by hand."""
    conference = member.conference
    form = PersonForm(conference, request.POST or None)
    known: Registration | None = None
    if request.method == "POST" and form.is_valid():
        try:
            outcome = add_person(conference, by=signed_in(request.user), **form.person())
        except ValidationError as error:
            for name, errors in error.message_dict.items():
                form.add_error(name if name in form.fields else None, errors)
        else:
            if outcome.created:
                text = _("%(name)s was added.") % {"name": outcome.registration.name}
                messages.success(request, text)
                return redirect("console-person", conference.id, outcome.registration.id)
            known = outcome.registration
            form.add_error("email", _("This address is registered already. Nothing was changed."))
    capacity = conference.capacity
    context = {
        "form": form, "known": known,
        "is_full": capacity is not None and count_taken(conference.id) >= capacity,
    }  # fmt: skip
    return render_page(request, "console/new_person.html", context, member=member, place="people")


@conference_page(Role.HELPER)
@require_http_methods(["GET", "HEAD", "POST"])
def import_people(request: HttpRequest, member: Member) -> HttpResponse:
    """Take a file in and look what each of its lines would do. Nothing is imported yet."""
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            problem = _("Choose a file first.")
        elif file.size is None or file.size > MAX_BYTES:
            problem = _("The file is too large: at most %(most)d MB.") % {"most": MAX_BYTES // 2**20}
        else:
            try:
                job = jobs.start_import(
                    conference=member.conference, content=file.read(), dry_run=True, keeps_file=True,
                    by=signed_in(request.user),
                )  # fmt: skip
            except ValidationError as error:
                problem = " ".join(error.messages)
            else:
                return redirect("console-people-job", member.conference_id, job.pk)
    context = {"problem": problem, "most_lines": MAX_LINES, "most_mb": MAX_BYTES // 2**20}
    status = 400 if problem else 200
    return render_page(
        request, "console/import_people.html", context, member=member, place="people", status=status
    )
