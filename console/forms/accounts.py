"""Forms of signing in, passwords and invitations."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    SetPasswordForm,
)
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


def find_by_mail(email: str) -> list[User]:
    """Return the active users with this address who may sign in with a password."""
    found = User.objects.filter(email__iexact=email, is_active=True).order_by("pk")[:5]
    return [user for user in found if user.has_usable_password()]


class SignInForm(AuthenticationForm):
    """Takes the user name or the mail address of exactly one user."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name or mail")

    def clean_username(self) -> str:
        given = str(self.cleaned_data["username"])
        if "@" in given and not User.objects.filter(username=given).exists():
            known = find_by_mail(given)
            if len(known) == 1:
                return known[0].get_username()
        return given


class ResetForm(forms.Form):
    email = forms.EmailField(
        label=_("Mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class ChangePasswordForm(PasswordChangeForm):
    """Asks for the old password as signing in does: failures are logged and limited."""

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        given = str(self.cleaned_data["old_password"])
        if authenticate(self._request, username=self.user.get_username(), password=given) != self.user:
            raise forms.ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return given


class NewPasswordForm(SetPasswordForm):
    pass


class NewAccountForm(BaseUserCreationForm):
    """An account for an invited address, which is not asked for: the mail went there."""

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.email = email
        self.fields["username"].help_text = _("For signing in. Your mail address works, too.")
        self.fields["username"].widget.attrs.update(autocomplete="username")

    class Meta:
        model = User
        fields = ("username",)
