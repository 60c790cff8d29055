"""Registering: processor time of a registration inside Django, and an import of thousands.

    python -m benchmarks.registering [--rounds 5] [--registrations 300] [--lines 3000] [--approvals 1100]
                                     [--databases sqlite …]

A registration goes through all of Django, and is stored with its receipt and its mail; beside it, a bare DRF
view checks a body and inserts the row. The import is done by the service that a worker calls, in pieces; so
are approvals of many, with their mails written and own events sent.
"""

from contextlib import ExitStack
from typing import Any

from benchmarks.harness.postgresql import run_postgresql
from benchmarks.harness.processes import Lab, open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report

_IMPORT = """
import time
from conferences.models import Conference
from conferences.services.importing import import_registrations
content = "name,email\\n" + "".join(f"N,n{{number}}@example.com\\n" for number in range({lines}))
conference = Conference.objects.get(id="test")
begin = time.perf_counter()
report = import_registrations(conference=conference, content=content.encode(), dry_run=False)
assert report.created == {lines}, report
print(time.perf_counter() - begin)
"""

_APPROVALS = """
import time
from conferences.models import Conference, Job, Registration
from conferences.services import jobs
from conferences.states import Action
conference = Conference.objects.get(id="test")
found = Registration.objects.filter(conference=conference, source="import")
ids = list(found.values_list("id", flat=True)[:{approvals}])
Registration.objects.filter(id__in=ids).update(state="pending")
job = jobs.start_decision(conference=conference, action=Action.APPROVE, ids=ids, by=None)
begin = time.perf_counter()
while not Job.objects.get(pk=job.pk).is_finished:
    jobs.work_on_job(job.pk)
seconds = time.perf_counter() - begin
assert Job.objects.get(pk=job.pk).counts["decided"] == len(ids), Job.objects.get(pk=job.pk).counts
print(seconds / len(ids))
"""


def main() -> None:
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--registrations", type=int, default=300, help="in each round")
    parser.add_argument("--lines", type=int, default=3000, help="of the import")
    parser.add_argument("--approvals", type=int, default=1100, help="at once; at most as many as lines")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.registrations, options.lines, options.databases = 1, 20, 50, ["sqlite"]
        options.approvals = 20
    use_two_cores()

    results: dict[str, Any] = {}
    targets: list[dict[str, Any]] = []
    for name in options.databases:
        with ExitStack() as stack:
            environment = {"REGISTRATION_RATE_PER_MINUTE": "0"}
            if name == "postgresql":
                environment["DATABASE_URL"] = stack.enter_context(run_postgresql())
            lab = stack.enter_context(open_lab(**environment))
            results[name] = found = _measure(lab, options)
        targets += [
            target(
                f"{name}: processor time, bare DRF insert / registration", found["bare_to_ours"], at_least=0.3
            ),
            target(f"{name}: import, lines a second", found["import_lines_per_second"], at_least=150),
            target(f"{name}: approvals a second, as a job", found["approvals_per_second"], at_least=100),
        ]
    write_report("registering", options, results=results, targets=targets)


def _measure(lab: Lab, options: Any) -> dict[str, Any]:
    lab.prepare()
    arguments = ["-m", "benchmarks.harness.registering", str(options.rounds), str(options.registrations)]
    with lab.helper(arguments) as helper:
        helper.go()
        rounds: Any = helper.result()
    times = {kind: median(found[kind]["processor_ms"] for found in rounds) for kind in ("bare", "ours")}
    print(f"processor ms a request: {times}", flush=True)
    seconds = float(lab.manage("shell", "-v", "0", "-c", _IMPORT.format(lines=options.lines)).split()[-1])
    approving = lab.manage("shell", "-v", "0", "-c", _APPROVALS.format(approvals=options.approvals))
    return {
        "approvals_per_second": 1 / float(approving.split()[-1]),
        "processor_ms": times,
        "bare_to_ours": times["bare"] / times["ours"],
        "import_lines_per_second": options.lines / seconds,
        "rounds": rounds,
    }


if __name__ == "__main__":
    main()
