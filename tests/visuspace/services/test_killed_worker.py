"""Workers of `ai.generate` that are killed, and two that get the same job."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.system import System
from tests.visuspace.openai_server import PROSE, ModelServer, completion

pytestmark = pytest.mark.processes


@pytest.fixture
def model() -> Iterator[Callable[..., ModelServer]]:
    started: list[ModelServer] = []

    def start(system: System, *answers: Any) -> ModelServer:
        started.append(ModelServer(*answers))
        system.environment |= {
            "PAGE_PROVIDER": "openai", "AI_MODEL": "small", "AI_BASE_URL": started[-1].url,
            "OUTBOUND_PRIVATE_HOSTS": "127.0.0.1", "GENERATION_LEASE_SECONDS": "5",
        }  # fmt: skip
        return started[-1]

    yield start
    for server in started:
        server.close()


def create(system: System) -> str:
    answer = system.http.post(
        "/api/visuspace/pages",
        json={"conference_id": "test", "language": "en", "prompt": "Short"},
        headers={"Authorization": f"Token {system.token()}"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job"]["id"])


def wait_until_done(system: System, job_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = system.get(f"/api/visuspace/jobs/{job_id}")
        return job if job["status"] in ("done", "failed") else None

    return system.wait_for(look, "the job to end", seconds=90)


def test_a_killed_workers_job_is_done_by_another(system: System, model: Callable[..., ModelServer]) -> None:
    """Killed between call and storing: the second call is what `called_at` and `attempts` warn of."""
    server = model(system, "drip", completion(PROSE))
    system.start("web", "pages", "beat")
    job_id = create(system)
    system.wait_for(lambda: len(server.requests) == 1, "the first call", seconds=60)
    system.kill("pages")
    assert system.get(f"/api/visuspace/jobs/{job_id}")["called_at"] is not None
    system.start("pages")
    job = wait_until_done(system, job_id)
    assert (job["status"], job["attempts"], job["revision"], len(server.requests)) == ("done", 2, 1, 2)


def test_two_workers_call_once_for_one_job(system: System, model: Callable[..., ModelServer]) -> None:
    server = model(system, completion(PROSE))
    system.start("web", "pages", "pages-2")
    job_id = create(system)
    system.run_code(
        "from meeteasy.core.jobs import ring; from meeteasy.core.queues import Queue; "
        f"ring('visuspace.generate', [['{job_id}']] * 10, queue=Queue.AI_GENERATE)"
    )
    job = wait_until_done(system, job_id)
    assert (job["status"], job["attempts"], len(server.requests)) == ("done", 1, 1)
