"""What a provider is told about a conference: facts of the database, and the organizer's prompt."""

from dataclasses import dataclass

from conferences.models import Conference
from visuspace.dates import format_days, format_moment, name_zone
from visuspace.language import interface_language
from visuspace.models import Session, Speaker

# A brief must fit into a small model's context.
MAX_SPEAKERS = 60
MAX_SESSIONS = 100


@dataclass(frozen=True)
class Brief:
    """The facts as texts in the page's language. language: of the text to write.

    speakers: name and affiliation. sessions: time, title, room and speakers, each as one line.
    """

    conference_id: str
    name: str
    tagline: str
    days: str
    starts: str
    venue: str
    zone: str
    language: str
    prompt: str
    speakers: list[str]
    sessions: list[str]

    @property
    def facts(self) -> str:
        """Return the facts as lines for a model."""
        lines = [
            f"Name: {self.name}", f"Tagline: {self.tagline}", f"Days: {self.days}", f"Begins: {self.starts}",
            f"Venue: {self.venue}", "Speakers:", *self.speakers, "Agenda:", *self.sessions,
        ]  # fmt: skip
        return "\n".join(line for line in lines if not line.endswith(": "))

    @property
    def known_text(self) -> str:
        """Return all that a text may repeat: the facts, without the prompt."""
        return f"{self.facts}\n{self.zone}"


def make_brief(conference: Conference, *, language: str, prompt: str) -> Brief:
    ours, zone = interface_language(language), conference.time_zone
    starts_at = conference.starts_at
    sessions = Session.objects.filter(conference=conference).prefetch_related("speakers")[:MAX_SESSIONS]
    speakers = Speaker.objects.filter(conference=conference)[:MAX_SPEAKERS]
    return Brief(
        conference_id=conference.id,
        name=conference.name,
        tagline=conference.tagline,
        days=format_days(starts_at, conference.ends_at, zone=zone, language=ours) if starts_at else "",
        starts=format_moment(starts_at, zone=zone, language=ours) if starts_at else "",
        venue=conference.venue,
        zone=name_zone(zone, language=ours),
        language=language,
        prompt=prompt,
        speakers=[f"{speaker.name}, {speaker.affiliation}".rstrip(", ") for speaker in speakers],
        sessions=[_describe(session, zone=zone, language=ours) for session in sessions],
    )


def _describe(session: Session, *, zone: str, language: str) -> str:
    names = ", ".join(speaker.name for speaker in session.speakers.all())
    parts = (
        format_moment(session.starts_at, zone=zone, language=language),
        session.title,
        session.room,
        names,
    )
    return " · ".join(part for part in parts if part)
