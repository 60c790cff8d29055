"""Answers about any range of days: a read model beside the store, one segment a (conference, local day).

    extracting.py   a day's stored events → rows of a segment
    building.py     rows → a Parquet file, with visits
    facts.py        what a day comes to by itself
    segments.py     which segments are missing or out of date; making them; the files in Django's storage
    engine.py       DuckDB, with bounded memory and threads
    filters.py      what selects visits
    queries.py      the questions, as SQL over segments

A segment is a pure function of the stored events, disposable, and made again at any time (docs/adr/0035).
"""
