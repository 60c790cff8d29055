"""What is derived from the facts: links, conversions, credits, and their sums.

Relations between these rows have no database constraint. One function writes them together, under a lock,
and checking each of a delivery's thousands of credits would cost as much as inserting it.
"""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from meeteasy.core.fields import KeyField
from sharing.models.facts import ShareRegistration
from sharing.models.instants import instant
from sharing.rules.credit_models import COLUMNS, CREDIT_MODELS


class ShareLink(models.Model):
    """A shared code: its owner, its place in the tree, and the counters of the link and its subtree."""

    id = KeyField(primary_key=True, max_length=130)  # conference id/code
    conference_id = KeyField(_("conference"), max_length=64)
    code = KeyField(_("code"), max_length=64)
    sharer = KeyField(
        _("sharer"), max_length=80, help_text=_("Visitor id, or “user:” and the number of a user.")
    )
    sharer_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), null=True, on_delete=models.SET_NULL,
        related_name="+", db_index=False,
    )  # fmt: skip
    label = models.CharField(_("label"), max_length=200, blank=True)
    search_label = models.TextField(default="", editable=False)  # folded, as a search compares it
    channel = KeyField(_("channel"), max_length=512, blank=True)
    target_url = models.CharField(_("target"), max_length=2048, blank=True)
    is_minted = models.BooleanField(_("minted here"), default=False)
    is_proven = models.BooleanField(
        _("proven"), default=False, help_text=_("The code itself shows that it was made for its sharer.")
    )
    is_automatic = models.BooleanField(
        _("made by the browser only"), default=False,
        help_text=_(
            "Its sharer's browser made it for its address bar. It counts as shared once another visitor "
            "opens it."
        ),
    )  # fmt: skip
    # The deciding claim: when it was received, when it happened, and its event.
    received_ms = models.BigIntegerField(default=0)
    first_ms = models.BigIntegerField()
    first_event_id = KeyField(max_length=80)
    # When the link was first shared. Null: not yet, so no figure and no level of the tree shows it.
    shared_ms = models.BigIntegerField(null=True)
    # The first opens of two different visitors, without bots. At least one of them is not the owner.
    first_open_ms = models.BigIntegerField(null=True)
    first_opener = KeyField(max_length=80, blank=True, default="")
    second_open_ms = models.BigIntegerField(null=True)
    second_opener = KeyField(max_length=80, blank=True, default="")
    is_void = models.BooleanField(_("voided"), default=False)
    # The parent that the owner claims, whether or not it is known and accepted.
    claimed_parent = KeyField(_("claimed parent"), max_length=130, blank=True)
    parent = models.ForeignKey(
        "self", verbose_name=_("parent"), null=True, on_delete=models.DO_NOTHING, related_name="children",
        db_index=False, db_constraint=False,
    )  # fmt: skip
    closes_cycle = models.BooleanField(
        _("cycle refused"), default=False, help_text=_("Its parent was refused, as it would close a cycle.")
    )
    is_contested = models.BooleanField(
        _("contested"), default=False, help_text=_("Somebody else claimed the code, too, and was refused.")
    )
    opens = models.PositiveIntegerField(_("opens"), default=0)
    openers = models.PositiveIntegerField(_("openers"), default=0)
    child_count = models.PositiveIntegerField(_("shared on"), default=0)
    direct = models.PositiveIntegerField(_("direct"), default=0)
    assisted = models.PositiveIntegerField(_("assisted"), default=0)
    # Totals of all links below this one; the conversions include the link's own.
    subtree_links = models.PositiveIntegerField(_("links below"), default=0)
    subtree_conversions = models.PositiveIntegerField(_("conversions, with those below"), default=0)

    class Meta:
        verbose_name = _("share link")
        verbose_name_plural = _("share links")
        # Counters change with almost every delivery. On PostgreSQL a new number of conversions updates all of
        # these indexes.
        indexes = [
            # A level of the tree, busiest links first.
            models.Index(
                fields=["conference_id", "parent", "-subtree_conversions", "id"],
                name="link_level",
                condition=models.Q(shared_ms__isnull=False),
            ),
            # All children of a link, shared or not.
            models.Index(fields=["parent"], name="link_parent", condition=models.Q(parent__isnull=False)),
            # Links that wait for their parent; it may take them as children when it becomes known.
            models.Index(
                fields=["claimed_parent"],
                name="link_orphan",
                condition=models.Q(claimed_parent__gt="", parent=None),
            ),
            # The shares of a day, and the lists.
            models.Index(
                fields=["conference_id", "shared_ms", "is_void"],
                name="link_shared",
                condition=models.Q(shared_ms__isnull=False),
            ),
            # The links of a sharer, and the distinct sharers.
            models.Index(fields=["conference_id", "sharer", "shared_ms", "is_void"], name="link_sharer"),
            # A search by part of a label; only links that the server minted have one.
            models.Index(
                fields=["conference_id"], name="link_labelled", condition=models.Q(search_label__gt="")
            ),
            # Tells whether an unknown code belongs to another conference (sharing/selectors/not_credited.py).
            models.Index(fields=["code"], name="link_code"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def first_shared_at(self) -> dt.datetime | None:
        return None if self.shared_ms is None else instant(self.shared_ms)


class ShareConversion(models.Model):
    """A registration with at least one credit. It counts once, however many credits it has."""

    registration = models.OneToOneField(
        ShareRegistration, primary_key=True, on_delete=models.DO_NOTHING, verbose_name=_("registration"),
        db_constraint=False,
    )  # fmt: skip
    conference_id = KeyField(_("conference"), max_length=64)
    nearest = models.ForeignKey(
        ShareLink, verbose_name=_("direct link"), on_delete=models.DO_NOTHING, related_name="+",
        db_constraint=False,
    )  # fmt: skip
    # The registration's event time. Earlier events that arrive late still complete the credits.
    registered_ms = models.BigIntegerField()
    is_reported = models.BooleanField(
        _("reported"), default=False, help_text=_("Nothing but a client's report is behind it.")
    )

    class Meta:
        verbose_name = _("share conversion")
        verbose_name_plural = _("share conversions")
        indexes = [
            models.Index(fields=["conference_id", "registered_ms"], name="conversion_time"),
            models.Index(
                fields=["conference_id", "registered_ms"],
                name="conversion_reported",
                condition=models.Q(is_reported=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.registration_id)

    @property
    def registered_at(self) -> dt.datetime:
        return instant(self.registered_ms)


class Credit(models.Model):
    """The credit of one link for one share conversion. The nearest link's is direct, the others assisted."""

    pk = models.CompositePrimaryKey("conversion_id", "distance", "link_id")
    conversion = models.ForeignKey(
        ShareConversion, on_delete=models.DO_NOTHING, related_name="credits", verbose_name=_("conversion"),
        db_index=False, db_constraint=False,
    )  # fmt: skip
    # No index by link: the conversions of the links below it lead to a link's credits. An index with an entry
    # for each credit would cost as much as the credits.
    link = models.ForeignKey(
        ShareLink, on_delete=models.DO_NOTHING, related_name="credits", verbose_name=_("link"),
        db_index=False, db_constraint=False,
    )  # fmt: skip
    distance = models.PositiveIntegerField(
        _("distance"), help_text=_("Place in the chain: 1 is the link that was opened, 2 its parent.")
    )
    # The age of the share at registration, which fractional models weigh by. It is frozen with the credit.
    age_ms = models.BigIntegerField()
    # The link's, as the sums of credits have it (derivation/sums.py). A link that changes owner changes them.
    sharer = KeyField(_("sharer"), max_length=80)
    channel = KeyField(_("channel"), max_length=512, blank=True)

    class Meta:
        verbose_name = _("credit")
        verbose_name_plural = _("credits")

    def __str__(self) -> str:
        return f"{self.conversion_id} ← {self.link_id}"


class NotCredited(models.Model):
    """A code that a registration did not credit, and the reason (sharing.rules.reasons.Reason)."""

    registration = models.ForeignKey(
        ShareRegistration, on_delete=models.DO_NOTHING, related_name="not_credited",
        verbose_name=_("registration"), db_index=False, db_constraint=False,
    )  # fmt: skip
    # The key may be of a code that has no link.
    link_key = KeyField(_("link"), max_length=130, db_index=True)
    reason = models.CharField(_("reason"), max_length=32)
    distance = models.PositiveIntegerField(_("distance"), null=True)
    # The registration's, so that an index finds the rows of a rare reason.
    conference_id = KeyField(_("conference"), max_length=64)
    registered_ms = models.BigIntegerField()

    class Meta:
        verbose_name = _("not credited")
        verbose_name_plural = _("not credited")
        constraints = [
            models.UniqueConstraint(fields=["registration", "link_key", "reason"], name="one_reason_per_link")
        ]
        indexes = [
            models.Index(
                fields=["conference_id", "reason", "-registered_ms", "-id"], name="not_credited_reason"
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} ← {self.link_key}: {self.reason}"


class _CreditSum(models.Model):
    """What credits add up to, under all models."""

    credits = models.IntegerField()
    registrations = models.IntegerField()  # distinct
    direct = models.IntegerField()
    # credit * SCALE, under the model whose `column` it is (rules/credit_models)
    units_1 = models.BigIntegerField(db_default=0)
    units_2 = models.BigIntegerField(db_default=0)
    units_3 = models.BigIntegerField(db_default=0)
    units_4 = models.BigIntegerField(db_default=0)
    units_5 = models.BigIntegerField(db_default=0)
    units_6 = models.BigIntegerField(db_default=0)
    units_7 = models.BigIntegerField(db_default=0)
    units_8 = models.BigIntegerField(db_default=0)

    class Meta:
        abstract = True

    @staticmethod
    def column_of(model: str) -> str:
        """The name of the column with the units of a credit model."""
        return f"units_{CREDIT_MODELS[model].column}"


class CreditSum(_CreditSum):
    """The credits of a sharer, of a channel or of all, of all time.

    Kept by the transactions that write credits (derivation/sums.py), so that a list of the highest is a range
    of an index.
    """

    class Kind(models.TextChoices):
        SHARER = "sharer", _("sharer")
        CHANNEL = "channel", _("channel")
        TOTAL = "total", _("total")

    pk = models.CompositePrimaryKey("conference_id", "kind", "name")
    conference_id = KeyField(max_length=64)
    kind = KeyField(max_length=8)
    name = KeyField(max_length=512)

    class Meta:
        indexes = [
            models.Index(
                fields=["conference_id", "kind", f"-units_{column}", "name"], name=f"credit_rank_{column}"
            )
            for column in range(1, COLUMNS + 1)
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.credits}"


class QuarterSum(_CreditSum):
    """The credits of a sharer, of a channel or of all in a quarter hour of registrations.

    A range of days adds up these rows and reads no credits.
    """

    # conference id/kind/start of the quarter hour (UTC ms, 15 digits)/name
    id = KeyField(primary_key=True, max_length=603)
    # A digest of the credit models at the time of the first credit.
    models_digest = models.CharField(max_length=8, db_default="")

    def __str__(self) -> str:
        return f"{self.id}: {self.credits}"

    @staticmethod
    def start_of(key: str) -> int:
        """The start of the quarter hour of a key, in UTC milliseconds."""
        return int(key.split("/", 3)[2])

    @staticmethod
    def make_key(conference_id: str, kind: str, ms: int) -> str:
        """The beginning of the keys of the quarter hour that starts at `ms`. The name follows."""
        return f"{conference_id}/{kind}/{ms:015}/"

    @classmethod
    def of_conference(cls, conference_id: str) -> models.QuerySet["QuarterSum"]:
        return cls.objects.filter(id__gte=f"{conference_id}/", id__lt=f"{conference_id}0")  # "/" + 1

    @classmethod
    def of_kind(
        cls, conference_id: str, kind: str, start_ms: int | None = None, end_ms: int | None = None
    ) -> models.QuerySet["QuarterSum"]:
        """The sums of a kind from `start_ms` on and before `end_ms`, which start quarter hours."""
        first = "" if start_ms is None else f"{start_ms:015}"
        end = f"{conference_id}/{kind}0" if end_ms is None else f"{conference_id}/{kind}/{end_ms:015}"
        return cls.objects.filter(id__gte=f"{conference_id}/{kind}/{first}", id__lt=end)


class QuarterVersion(models.Model):
    """A number that is another one whenever sums of a quarter hour have changed, whichever they are.

    It tells those who remember the sums (selectors/quarters.py).
    """

    id = KeyField(primary_key=True, max_length=91)  # as QuarterSum's for the total of the quarter hour
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.id}: {self.number}"


class ChannelCount(models.Model):
    """What the shared links of a channel count, of all time."""

    pk = models.CompositePrimaryKey("conference_id", "channel")
    conference_id = KeyField(max_length=64)
    channel = KeyField(max_length=512)
    links = models.IntegerField()
    opens = models.BigIntegerField()
    openers = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.channel}: {self.links}"
