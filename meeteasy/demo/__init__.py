"""A believable conference to look at: what `manage.py demo` makes, plays and removes."""
