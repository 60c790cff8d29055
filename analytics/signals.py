"""What this app tells the apps that may import it, besides events (analytics/handlers.py).

Both are sent before it is noted that there was something to tell: a receiver that fails, or a worker that
dies, has it told again. So a receiver may be called twice for the same thing.
"""

from django.dispatch import Signal

# A conference began or ceased to trust what clients report, or some of it may have been judged by a setting
# that is not the current one. Gives: conference_id.
judge_anew = Signal()

# Events of conferences that nobody created were deleted; some of each may be left. Gives: conference_ids.
unclaimed_dropped = Signal()
