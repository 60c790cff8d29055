"""Signals to the apps that may import this one."""

from django.dispatch import Signal

# A job's state or progress changed, and the change is committed. This is only a hint: a process may die
# between the commit and the signal. Gives: job.
conversion_changed = Signal()
