"""Signals to the apps that may import this one and that this one may not import.

All but `registration_changing`, `registration_repeated` and `registration_erasing` are sent after commit. A
receiver that fails is logged and affects nothing else. A process may die between the commit and the signal,
so a receiver that must not miss anything compares its data with the rows, as analytics/own_events.py does.
"""

from django.dispatch import Signal

# A conference was created or changed, and the change is committed. This is only a hint: a receiver that must
# not miss a change compares its data with the conferences, as analytics/days/redating.py does.
# Gives: conference.
conference_saved = Signal()

# Sent in the transaction that creates a registration or changes its state, for rows that must be committed
# with it or not at all, such as those of an outbox. If a receiver raises, the change is rolled back.
# Gives: registration (with its new state), previous_state (None: it is new), is_silent: whether an organizer
# registered the person, who did not ask for mail.
registration_changing = Signal()

# The form was sent with the address of a person who is already registered, and nothing was changed. Sent in
# the transaction that stores the receipt. Gives: registration (its conference is loaded), now.
registration_repeated = Signal()

# Sent in the transaction that deletes a registration to erase its person. Gives: registration.
registration_erasing = Signal()

# Gives: registration.
registration_created = Signal()

# Registrations were imported. Gives: registrations, a list of a few hundred at most.
registrations_imported = Signal()

# Gives: registration, previous_state.
registration_state_changed = Signal()

# A registration started or stopped standing. For a new one that does not stand from the beginning, this comes
# after `registration_created`. Gives: registration (`stands`, `standing_version`, `standing_changed_at`).
standing_changed = Signal()

# A person was erased, and the erasure is recorded (services/erasing.py). Gives: conference, visitor_id.
visitor_erased = Signal()

# Gives: check_in (its registration is loaded).
checked_in = Signal()

# Gives: check_in (its registration is loaded).
checkin_undone = Signal()

# An attendee came in, for the first time or again. Gives: passage (its registration is loaded).
entered = Signal()

# Gives: passages, a list of entries of one attendee (their registration is loaded).
entries_undone = Signal()

# A participant looks at their own page. Receivers return what they know of the person's sharing: the code of
# their link ("" if they have none yet), and how many registrations are credited to them.
# Gives: registration (its conference is loaded).
participant_asked = Signal()

# A user's role in a conference changed, or they left. Gives: conference_id, user_id, role (None: they left).
membership_changed = Signal()
