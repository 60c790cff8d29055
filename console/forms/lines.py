"""A field of several lines."""

from typing import Any

from django import forms


class LinesField(forms.CharField):
    """A text of lines, read as a list without empty ones."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4})
        super().__init__(required=False, max_length=30_000, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]
