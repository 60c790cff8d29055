"""The form of one custom question: its label in each language of the conference, and its options."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conferences.models import Conference
from conferences.questions import MAX_OPTIONS, Kind

_BLANK_ROWS = 3
_LABEL_CHARACTERS = 300
_VALUE_CHARACTERS = 100
KINDS = [
    (Kind.TEXT, gettext_lazy("Text")),
    (Kind.CHOICE, gettext_lazy("Choice of one")),
    (Kind.SEVERAL, gettext_lazy("Choice of several")),
    (Kind.NUMBER, gettext_lazy("Number")),
    (Kind.CONSENT, gettext_lazy("Consent to tick")),
]


@dataclass
class OptionRow:
    """An option. value: as answers have it; "" for a new one. labels: by language."""

    value: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        return not any(self.labels.values())


@dataclass
class QuestionForm:
    """What was entered for a question. errors: by field: `label`, `kind`, `options`."""

    languages: list[tuple[str, str]]
    kind: str = Kind.TEXT
    required: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: list[OptionRow] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def has_options(self) -> bool:
        return self.kind in (Kind.CHOICE, Kind.SEVERAL)

    @property
    def label_fields(self) -> list[dict[str, str]]:
        return [
            {"name": f"label-{code}", "language": code, "label": name, "value": self.labels.get(code, "")}
            for code, name in self.languages
        ]

    @property
    def option_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "place": place, "number": place + 1, "value": row.value, "is_first": place == 0,
                "fields": [
                    {
                        "name": f"option-{place}-{code}", "language": code, "label": name,
                        "value": row.labels.get(code, ""),
                    }
                    for code, name in self.languages
                ],
            }
            for place, row in enumerate(self.options)
        ]  # fmt: skip

    def add_rows(self) -> None:
        self.options += [OptionRow() for _ in range(min(_BLANK_ROWS, MAX_OPTIONS - len(self.options)))]

    def move_up(self, place: int) -> None:
        if 0 < place < len(self.options):
            self.options.insert(place - 1, self.options.pop(place))

    def check(self) -> bool:
        """Note what is missing. The service checks the rest."""
        if self.kind not in set(Kind):
            self.errors["kind"] = _("There is no such kind.")
        if not any(self.labels.values()):
            self.errors["label"] = _("Write the question in at least one language.")
        if self.has_options and all(row.is_blank for row in self.options):
            self.errors["options"] = _("Write at least one option.")
        return not self.errors

    def question(self) -> dict[str, Any]:
        """Return the question as the conference stores it, without its key."""
        question: dict[str, Any] = {
            "kind": str(self.kind), "required": self.required,
            "label": {code: text for code, text in self.labels.items() if text},
        }  # fmt: skip
        if self.has_options:
            taken = {row.value for row in self.options if row.value}
            question["options"] = [
                {"value": row.value or _make_value(row, taken), "label": _filled(row.labels)}
                for row in self.options
                if not row.is_blank
            ]
        return question


def empty_form(conference: Conference) -> QuestionForm:
    form = QuestionForm(_languages(conference))
    form.add_rows()
    return form


def form_of(conference: Conference, question: dict[str, Any]) -> QuestionForm:
    """Return the form of a question that the conference has."""
    form = QuestionForm(
        _languages(conference), kind=question["kind"], required=question.get("required", False),
        labels=dict(question["label"]),
        options=[OptionRow(item["value"], dict(item.get("label") or {"": item["value"]}))
                 for item in question.get("options", [])],
    )  # fmt: skip
    main = form.languages[0][0]
    for row in form.options:  # an option without labels is called by its value
        row.labels = {main if code == "" else code: text for code, text in row.labels.items()}
    if form.has_options:
        form.add_rows()
    return form


def read_form(conference: Conference, data: QueryDict, *, known: dict[str, Any] | None) -> QuestionForm:
    """Read what was entered. known: the question that is changed, whose kind stays; None for a new one."""
    languages = _languages(conference)
    options = []
    place = 0
    while f"option-{place}-value" in data and place < MAX_OPTIONS:
        labels = {
            code: data.get(f"option-{place}-{code}", "").strip()[:_LABEL_CHARACTERS] for code, _n in languages
        }
        options.append(OptionRow(data.get(f"option-{place}-value", "")[:_VALUE_CHARACTERS], labels))
        place += 1
    labels = {code: data.get(f"label-{code}", "").strip()[:_LABEL_CHARACTERS] for code, _name in languages}
    form = QuestionForm(
        languages, kind=known["kind"] if known else data.get("kind", ""), required="required" in data,
        labels=labels, options=options,
    )  # fmt: skip
    if known:
        _keep_other_languages(form, known)
    return form


def _keep_other_languages(form: QuestionForm, known: dict[str, Any]) -> None:
    """Keep labels in languages that the conference does not have now, and refuse values that it never had."""
    shown = {code for code, _name in form.languages}
    form.labels = {**{c: t for c, t in known["label"].items() if c not in shown}, **form.labels}
    before = {item["value"]: item.get("label") or {} for item in known.get("options", [])}
    for row in form.options:
        if row.value not in before:
            row.value = ""
        elif not row.is_blank:
            others = {code: text for code, text in before[row.value].items() if code not in shown}
            row.labels = {**others, **row.labels}


def _languages(conference: Conference) -> list[tuple[str, str]]:
    names = dict(settings.LANGUAGES)
    return [(code, names.get(code, code)) for code in conference.languages]


def _filled(labels: dict[str, str]) -> dict[str, str]:
    return {code: text for code, text in labels.items() if text}


def _make_value(row: OptionRow, taken: set[str]) -> str:
    """Return the value of a new option, which exports show: its first label, numbered if it is taken."""
    base = next(text for text in row.labels.values() if text)[: _VALUE_CHARACTERS - 4]
    value, number = base, 2
    while value in taken:
        value, number = f"{base} {number}", number + 1
    taken.add(value)
    return value
