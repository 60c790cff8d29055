"""An app with a task that never ends the first time, and settings with a short visibility timeout."""
