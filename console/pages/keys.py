"""Keys with which a conference's events are sent: making and revoking them, and the code that uses them."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from conferences.access import Role, get_event_key, signed_in
from conferences.models import EventKey, Member
from conferences.services import keys as services
from conferences.services import update_conference
from console.access import conference_page
from console.shell import render_page
from meeteasy.core.errors import RefusedError

_MOST_SHOWN = 200  # revoked ones stay in the list, so there may be many


class KeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Where it is used"), max_length=100,
        help_text=gettext_lazy("E.g. “ticket shop”, so that you know later what stops when it is revoked."),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=EventKey.Kind.choices, initial=EventKey.Kind.WRITE,
        widget=forms.RadioSelect,
    )  # fmt: skip


@never_cache
@conference_page(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("text")
def keys(request: HttpRequest, member: Member) -> HttpResponse:
    """The keys. The answer to the form shows the new key, this once: it is stored nowhere."""
    conference = member.conference
    form = KeyForm(request.POST or None)
    made, text = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            made, text = services.create_key(
                conference=conference, by=signed_in(request.user), **form.cleaned_data
            )
        except ValidationError as error:
            form.add_error("name", error.message_dict.get("name", error.messages))
        except RefusedError as error:
            form.add_error(None, error.message)
        else:
            form = KeyForm()
    found = list(conference.event_keys.select_related("created_by")[:_MOST_SHOWN])
    context = {
        "form": form, "made": made, "text": text, "server": settings.PUBLIC_URL,
        "keys": [key for key in found if key.revoked_at is None],
        "revoked": [key for key in found if key.revoked_at is not None],
    }  # fmt: skip
    return render_page(request, "console/keys.html", context, member=member, place="settings")


@require_POST
@conference_page(Role.OWNER)
def revoke(request: HttpRequest, member: Member, key_id: int) -> HttpResponse:
    key = services.revoke_key(get_event_key(request.user, member.conference_id, key_id))
    messages.success(request, _("The key “%(name)s” stops working within some seconds.") % {"name": key.name})
    return redirect("console-keys", member.conference_id)


@require_POST
@conference_page(Role.OWNER)
def require(request: HttpRequest, member: Member) -> HttpResponse:
    """Take events from outside only with a key, or again without."""
    is_required = request.POST.get("required") == "on"
    update_conference(member.conference, event_key_required=is_required)
    messages.success(
        request,
        _("Events are taken only with a key.") if is_required else _("Events are taken without a key."),
    )
    return redirect("console-keys", member.conference_id)
