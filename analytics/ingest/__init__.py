"""The HTTP door: `POST /api/analytics/events`, from the request's bytes to the stream of events.

app.py (the ASGI application) → body.py (read, unpack) → events/validation.py (good events and named
rejections) → publisher.py (grouped XADD, answered once Redis has it).
"""
