"""Signals to the apps that may import this one."""

from django.dispatch import Signal

# A generation job's state changed, and the change is committed. This is only a hint: a process may die
# between the commit and the signal. Gives: job (its page and revision are loaded).
generation_changed = Signal()
