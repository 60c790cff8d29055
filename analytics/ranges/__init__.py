"""Answers about any range of days: a read model beside the store, one segment a (conference, local day).

    extracting.py   a day's stored events → rows of a segment
    building.py     rows → columns of numbers, in the order of visitors
    files.py        the format of these columns
    segments.py     which segments are missing or out of date; making them; the files in Django's storage
    parts.py        the events of some visitors over all days of a range
    filters.py      what selects visits
    queries.py      counting a range
    engine.py       threads and turns

A segment is a pure function of its day's stored events, disposable, and made again at any time
(docs/adr/0035 and 0052).
"""
