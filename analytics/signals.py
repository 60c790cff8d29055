"""What this app tells the apps that may import it, besides events (analytics/reactions/handlers.py).

Each is sent before it is noted that there was something to tell: a receiver that fails, or a worker that
dies, has it told again. So a receiver may be called twice for the same thing.
"""

from django.dispatch import Signal

# A conference began or ceased to trust what clients report, or some of it may have been judged by a setting
# that is not the current one. Gives: conference_id.
trust_changed = Signal()

# Conferences that nobody created within UNCLAIMED_DAYS: what follows from their events is not kept any
# longer, though young events of them may go on waiting. Gives: conference_ids.
unclaimed_dropped = Signal()

# One of them was created after all, and what follows from the events that still wait is to be had again.
# Gives: conference_id.
adopted_late = Signal()
