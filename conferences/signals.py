"""What this app announces to the apps that may import it, and that it may not import.

All but `registration_changing`, `registration_repeated` and `registration_erasing` are sent after commit, and
a receiver that fails is logged and costs nothing else. A process may die between the commit and the signal:
a receiver that must not miss anything compares what it has with the rows, as analytics/own_events.py does.
"""

from django.dispatch import Signal

# A conference was created or changed, and that is committed. Only a hint: a receiver that must not miss a
# change compares what it stored with the conferences, as analytics/days/redating.py does. Gives: conference.
conference_saved = Signal()

# Inside the transaction that creates a registration or changes its state, for rows that must be committed
# with it or not at all, such as those of an outbox. A receiver that raises undoes the change. Gives:
# registration (as it will be), previous_state (None: it is new).
registration_changing = Signal()

# Somebody filled in the form with the address of a person who is registered already, and nothing was changed.
# Inside the transaction that stores the receipt. Gives: registration (its conference is loaded), now.
registration_repeated = Signal()

# Inside the transaction that deletes a registration to erase its person. Gives: registration.
registration_erasing = Signal()

# Gives: registration.
registration_created = Signal()

# Registrations were imported. Gives: registrations, a list of some hundreds at most.
registrations_imported = Signal()

# Gives: registration, previous_state.
registration_state_changed = Signal()

# A registration stands now, or no longer; also for a new one that does not stand from the beginning, after
# `registration_created`. Gives: registration (`stands`, `standing_version`, `standing_changed_at`).
standing_changed = Signal()

# A person was erased, who is noted as such (services/erasing.py). Gives: conference, visitor_id.
visitor_erased = Signal()

# Gives: check_in (its registration is loaded).
checked_in = Signal()

# Gives: check_in (its registration is loaded).
checkin_undone = Signal()

# A user's role in a conference changed, or they left. Gives: conference_id, user_id, and role, None for one
# who left.
membership_changed = Signal()
