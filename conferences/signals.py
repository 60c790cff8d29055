"""What this app tells the apps that may import it, and that it may not import."""

from django.dispatch import Signal

# A conference was created or changed, and that is committed. Only a hint: a receiver that must not miss a
# change compares what it stored with the conferences, as analytics/localise.py does. Gives: conference.
conference_saved = Signal()
