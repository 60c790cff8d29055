"""Programs that measure the system against references that are kept beside them. See README.md."""
