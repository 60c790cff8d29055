"""Signing in, passwords, and invitations."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from conferences.access import signed_in
from console import reset_limits
from console.forms.accounts import (
    ChangePasswordForm,
    NewAccountForm,
    NewPasswordForm,
    ResetForm,
    SignInForm,
    find_by_mail,
)
from console.models import Invitation
from console.services import inviting
from console.services.invitation_links import read_invitation
from console.services.mailing import queue_mail
from console.shell import render_page
from meeteasy.core.errors import RefusedError


class SignIn(LoginView):
    """Signs in with the user name or the mail address. meeteasy/core/logins.py limits failures."""

    template_name = "console/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """Mail a link for a new password. The page says the same whether or not the address is known."""
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if reset_limits.allow(request, email):
            for user in find_by_mail(email):
                queue_mail(
                    "password_reset", recipient=user.email, language=get_language() or "en", about=user.pk
                )
        return render(request, "console/reset_sent.html", {"email": email})
    return render(request, "console/reset.html", {"form": form})


class SetPassword(PasswordResetConfirmView):
    """Where the link in the mail leads. A link works once, for a limited time, until the next sign-in."""

    template_name = "console/set_password.html"
    form_class = NewPasswordForm
    post_reset_login = True
    post_reset_login_backend = "meeteasy.core.logins.ThrottledBackend"
    success_url = reverse_lazy("console-conferences")


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password. Other sessions end; this one stays."""
    user = signed_in(request.user)
    form = ChangePasswordForm(user, request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        messages.success(request, _("Password changed. You are signed out everywhere else."))
        return redirect("console-conferences")
    return render_page(request, "console/change_password.html", {"form": form})


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: as the signed-in user, or with a new account for the invited address."""
    found = read_invitation(token)
    if found is None:
        raise Http404("There is no such invitation.")
    context: dict[str, Any] = {"invitation": found, "token": token}
    try:
        inviting.check_open(found)
    except RefusedError as error:
        return render(request, "console/invitation.html", {**context, "problem": error.message}, status=410)
    if request.user.is_authenticated:
        if request.method == "POST":
            inviting.accept(found, user=signed_in(request.user))
            messages.success(
                request, _("You are a member of %(name)s now.") % {"name": found.conference.name}
            )
            return redirect("console-conferences")
        return render(request, "console/invitation.html", context)
    return _accept_with_new_account(request, found, context)


def _accept_with_new_account(
    request: HttpRequest, found: Invitation, context: dict[str, Any]
) -> HttpResponse:
    if User.objects.filter(email__iexact=found.email, is_active=True).exists():
        # Their account exists: they sign in and come back.
        return render(request, "console/invitation.html", {**context, "is_known": True})
    form = NewAccountForm(request.POST or None, email=found.email)
    if request.method == "POST" and form.is_valid():
        try:
            user = inviting.accept_with_new_account(
                found, username=form.cleaned_data["username"], password=form.cleaned_data["password1"]
            )
        except ValidationError as error:
            form.add_error("username", error)
        else:
            login(request, user, backend="meeteasy.core.logins.ThrottledBackend")
            return redirect("console-conferences")
    return render(request, "console/invitation.html", {**context, "form": form})
