"""Why something is not credited."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Reason(StrEnum):
    BOT = "bot"
    MALFORMED_CODE = "malformed_code"
    UNKNOWN_CODE = "unknown_code"
    # Never stored: selectors/not_credited.py shows it for an unknown code that another conference has.
    FOREIGN_CODE = "foreign_code"
    SHARED_LATER = "shared_later"
    OUTSIDE_WINDOW = "outside_window"
    SELF_REFERRAL = "self_referral"
    SHARER_ALREADY_CREDITED = "sharer_already_credited"
    CHAIN_CONTRADICTS_TREE = "chain_contradicts_tree"
    BEYOND_DEPTH = "beyond_depth"
    VOIDED = "voided"
    # These concern the registration as a whole and name the code that would have got the credit.
    NOT_TRUSTED = "not_trusted"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    REPORTED_AGAIN = "reported_again"


REASON_LABELS = {
    Reason.BOT: _("opened by a bot"),
    Reason.MALFORMED_CODE: _("wrong form or signature of the code"),
    Reason.UNKNOWN_CODE: _("no such code in this conference"),
    Reason.FOREIGN_CODE: _("a code of another conference"),
    Reason.SHARED_LATER: _("shared after the registration only"),
    Reason.OUTSIDE_WINDOW: _("opened before the attribution window"),
    Reason.SELF_REFERRAL: _("the sharer registered"),
    Reason.SHARER_ALREADY_CREDITED: _("its sharer has a nearer credit"),
    Reason.CHAIN_CONTRADICTS_TREE: _("the browser reported another chain; the tree decided"),
    Reason.BEYOND_DEPTH: _("this one and all above it: too far away"),
    Reason.VOIDED: _("voided by an organizer"),
    Reason.NOT_TRUSTED: _("a registration that only a client reported"),
    Reason.HELD: _("a report that is held until an organizer decides"),
    Reason.WITHDRAWN: _("the registration was cancelled, rejected or voided"),
    Reason.REPORTED_AGAIN: _("the same registration is counted already"),
}
