"""Changing how a conference's desk works."""

from conferences.models import Conference, DeskSettings


def change_settings(
    conference: Conference, *, gates: list[str], shown_questions: list[str], names_offline: bool
) -> DeskSettings:
    """Store the settings of a desk. shown_questions: keys of the conference's questions."""
    values = {"gates": gates, "shown_questions": shown_questions, "names_offline": names_offline}
    return DeskSettings.objects.update_or_create(conference=conference, defaults=values)[0]
