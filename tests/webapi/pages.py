"""Pages for the tests, with the SDK in them."""

import json
from typing import Any

# Nothing is sent by time or number unless a test says so.
QUIET = {"flushInterval": 1_000_000, "flushAt": 100_000}


def sdk_page(
    options: dict[str, Any] | None = None, *, before: str = "", after: str = "", body: str = ""
) -> str:
    """A page that loads the classic script and starts it for the conference `test`.

    options: of `init`; `onError` collects into `problems`. before, after: script around `init`.
    """
    given = json.dumps({"conferenceId": "test", **(options or {})})
    return f"""<!doctype html><meta charset="utf-8"><title>Agenda</title>
    <script src="/sdk/meeteasy.js"></script>
    <script>
      const problems = []
      {before}
      meeteasy.init({{ ...{given}, onError: problem => problems.push(problem) }})
      {after}
    </script><body>{body}"""


EMPTY = "<!doctype html><title>Elsewhere</title>"

# Records `count` page views of about a kilobyte.
PAGE_VIEWS = """function pageViews(count, prefix = 'p') {
  for (let i = 0; i < count; i++) {
    meeteasy.trackEvent('page_view', { page: '/' + prefix + i, title: 'x'.repeat(740) })
  }
}"""
REGISTRATIONS = """function registrations(count) {
  const pad = 'x'.repeat(700)
  for (let i = 0; i < count; i++) {
    meeteasy.trackEvent('registration', { form_id: 'f', registration_id: 'r' + i, properties: { pad } })
  }
}"""
