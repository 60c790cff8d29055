"""/metrics as Prometheus reads it."""

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families


def scrape() -> dict[str, float]:
    """The values of the page by name, labels included: `meeteasy_queue_messages{queue="files.convert"}`."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    return parse(answer.content.decode())


def parse(page: str) -> dict[str, float]:
    """The same of a page that was read elsewhere."""
    found = {}
    for family in text_string_to_metric_families(page):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def succeeded(values: dict[str, float]) -> dict[str, bool]:
    """Whether the metrics of each reader could be read."""
    start = 'meeteasy_scrape_success{reader="'
    return {
        key.removeprefix(start)[:-2]: bool(value) for key, value in values.items() if key.startswith(start)
    }
