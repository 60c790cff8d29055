"""A Django app for tests alone: lets a worker die by kill -9 at a point that a test names, once.

The worker runs with `DJANGO_SETTINGS_MODULE=tests.support.crashing.settings`. The test writes the name of a
point of `POINTS` into the file `DATA_DIR/crash-at`; the process that reaches the point first takes the file
away and kills itself.
"""
