"""Signals of this app, besides the reactions to events (analytics/reactions/handlers.py).

Each is sent before its cause is marked as handled, and sent again if a receiver fails or the worker dies. So
a receiver may be called twice for the same thing.
"""

from django.dispatch import Signal

# A conference began or ceased to trust what clients report, or some of it may have been judged by a setting
# that is not the current one. Gives: conference_id.
trust_changed = Signal()

# These conferences were not created within UNCLAIMED_DAYS: drop what was derived from their events, though
# younger events may still wait. Gives: conference_ids.
unclaimed_dropped = Signal()

# One of them was created after all: rebuild what is derived from the events that still wait. Gives:
# conference_id.
adopted_late = Signal()
