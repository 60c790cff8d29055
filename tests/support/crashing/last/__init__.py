"""The place of LastConfig: Django wants a module of its own for each app."""
