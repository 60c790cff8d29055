"""What all tests share: a real Valkey, real processes, and the cast.

Alice owns the conference, Bob helps, Charlie is a stranger.
"""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.test import TransactionTestCase, override_settings
from django.utils import translation
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from conferences import services
from conferences.models import Conference, Member
from meeteasy.core import redis as core_redis
from meeteasy.core.tokens import create_token
from tests.support.databases import migrated_postgresql, migrated_sqlite
from tests.support.emptying import empty_tables
from tests.support.environment import DATA_DIR, LANGUAGE, OWN_POSTGRESQL, SHARED_DIRECTORY, STORE
from tests.support.mongodb import drop_mongodb_of_tests, empty_collections, let_django_roll_back_the_other
from tests.support.services import PostgresqlServer, ValkeyServer
from tests.support.system import System

# Other work may make any example slow, and fixtures need no setting up for each.
hypothesis.settings.register_profile(
    "shared", deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("shared")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run is not for, and begin with the files that take longest.

    A run on SQLite has all tests, one on another database those that use it, without processes of their own;
    one that sorts by a language has those that are marked `ordered`. `faults` are run when `-m` names them.
    """
    kept, left_out = [], []
    for item in items:
        uses = item.get_closest_marker("django_db") or "db" in getattr(item, "fixturenames", ())
        (kept if _is_wanted(item, bool(uses), config.option.markexpr) else left_out).append(item)
        if item.get_closest_marker("processes"):
            # Other work may starve a process past any deadline; a defect fails twice. pytest counts reruns.
            item.add_marker(pytest.mark.flaky(reruns=1))
        else:
            # Every test uses a Valkey, which may be starved, too. Only its time-out is tried again.
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[redis.TimeoutError]))
        if uses and STORE == "mongodb":  # which has an alias of its own: open all to every test
            mark = item.get_closest_marker("django_db")
            arguments = {**(mark.kwargs if mark else {}), "databases": "__all__"}
            item.add_marker(pytest.mark.django_db(**arguments), append=False)
    config.hook.pytest_deselected(items=left_out)
    # A file is one worker's, so those with the most work come first: none is left to one worker at the end.
    slow = Counter(item.path for item in kept if any(map(item.get_closest_marker, ("processes", "slow"))))
    items[:] = sorted(kept, key=lambda item: -slow[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded by now stays until the end: the garbage collector need not look at it, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _is_wanted(item: pytest.Item, uses_database: bool, expression: str) -> bool:
    if item.get_closest_marker("faults") and "faults" not in expression:
        return False
    if LANGUAGE and not item.get_closest_marker("ordered"):
        return False
    if only_on := item.get_closest_marker("only_on"):
        return STORE in only_on.args
    return STORE == "sqlite" or (uses_database and not item.get_closest_marker("processes"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Let the SQL database of the tests begin as a copy, which leaves nothing to migrate."""
    database = settings.DATABASES["default"]
    if STORE != "postgresql":
        shutil.copy(migrated_sqlite(SHARED_DIRECTORY), database["TEST"]["NAME"])
    elif OWN_POSTGRESQL in os.environ:
        database["TEST"]["TEMPLATE"] = migrated_postgresql(SHARED_DIRECTORY, os.environ[OWN_POSTGRESQL])
    if STORE == "mongodb":
        drop_mongodb_of_tests()
    yield
    if STORE == "mongodb":
        drop_mongodb_of_tests()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Whether Django takes the databases that it finds, such as the copy, and does not remove them."""
    return STORE != "postgresql"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    if STORE == "mongodb":
        with django_db_blocker.unblock():
            let_django_roll_back_the_other()


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Tests that commit leave empty tables, as after Django's flush. MongoDB is emptied after every test."""

    def empty(test_case: TransactionTestCase) -> None:
        for alias in test_case._databases_names(include_mirrors=False):
            if connections[alias].vendor != "mongodb":
                empty_tables(alias)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(autouse=True)
def empty_mongodb(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Every test leaves MongoDB empty, which cannot be rolled back."""
    yield
    if STORE == "mongodb" and request.node.get_closest_marker("django_db"):
        with django_db_blocker.unblock():
            empty_collections()


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[ValkeyServer]:
    """The Valkey that settings.REDIS_URL names."""
    server = ValkeyServer(port=int(os.environ["VALKEY_PORT"]), directory=DATA_DIR / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def emptying_client(valkey: ValkeyServer) -> redis.Redis:
    return redis.Redis.from_url(valkey.url)


@pytest.fixture(autouse=True)
def empty_valkey(emptying_client: redis.Redis) -> None:
    """Every test begins with no stream, no cache and no messages, and knows nothing of a Valkey that hung."""
    emptying_client.flushall()
    core_redis._hangs_until = 0.0


@pytest.fixture(scope="session", autouse=True)
def static_files_listed_once() -> Iterator[None]:
    """Every client of a test loads the middleware, for which WhiteNoise looks at each static file."""
    listed: dict[str, StaticFile] = {}
    list_files = WhiteNoiseMiddleware.add_files_from_finders

    def add_listed(middleware: WhiteNoiseMiddleware) -> None:
        if not listed:
            list_files(middleware)
            listed.update(middleware.files)
        middleware.files.update(listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_listed)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """A password takes half a second by design, and some tests try dozens."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def settled_thread() -> None:
    """Every test begins in the settings' language and without a request's id; requests may leave both."""
    translation.deactivate()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server, started when the first test asks for it; without one the test is skipped."""
    if PostgresqlServer.find_programs() is None:
        pytest.skip("PostgreSQL is not installed (bin/test installs it as root on Debian)")
    server = PostgresqlServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.com")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie", "charlie@example.com")


@pytest.fixture
def conference(alice: User, bob: User) -> Conference:
    """`summit` in Shanghai, owned by Alice; Bob helps."""
    conference = services.create_conference(
        owner=alice, id="summit", name="Summit", time_zone="Asia/Shanghai"
    )
    Member.objects.create(conference=conference, user=bob, role=Member.Role.HELPER)
    return conference


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """`api(alice)` is an HTTP client that sends Alice's token; `api(None)` is anonymous."""

    def client_of(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Token {create_token(user)}")
        return client

    return client_of


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Real processes on a database and a Valkey of their own; starts none by itself."""
    running = System(tmp_path)
    yield running
    running.stop()
