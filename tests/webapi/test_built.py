"""What is built and committed: sizes, no drift, types, no network host, usable without a browser."""

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.webapi.server import DIST

WEBAPI = DIST.parent
STATIC = WEBAPI.parent / "static" / "webapi"
KIB = 1024

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
needs_packages = pytest.mark.skipif(
    shutil.which("node") is None or not (WEBAPI / "node_modules" / "typescript").exists(),
    reason="Node or the packages of webapi/ are not installed (bin/test installs them where npm is)",
)


def packed(name: str) -> int:
    return len(gzip.compress((DIST / name).read_bytes(), 9, mtime=0))


def test_core_and_sharing_fit_their_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    core, share, classic, stub = (packed(f"{name}.js") for name in ("core", "share", "meeteasy", "stub"))
    with capsys.disabled():
        print(  # noqa: T201
            f"\ngzip, bytes: core {core}, share module {share}, classic script {classic}, stub {stub}"
            " (others, from npm: Plausible 2,700; Segment 31,000; PostHog 122,000)"
        )
    assert core <= 5000
    assert share <= 2500
    assert classic <= 7500
    assert stub <= 800


def test_the_server_hands_out_what_was_built() -> None:
    for name in ("meeteasy.js", "core.js", "share.js", "analytics.js"):
        assert (STATIC / name).read_bytes() == (DIST / name).read_bytes(), "run bin/generate, and commit"


@needs_packages
def test_what_is_committed_is_what_the_source_builds(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=WEBAPI, check=True)

    built = {path.relative_to(tmp_path / "dist") for path in (tmp_path / "dist").rglob("*.*")}
    assert built == {path.relative_to(DIST) for path in DIST.rglob("*.*")}, "run bin/generate, and commit"
    for path in built:
        assert (tmp_path / "dist" / path).read_bytes() == (DIST / path).read_bytes(), path
    desk = sorted((tmp_path / "console").iterdir())  # the console's check-in desk
    assert [path.name for path in desk] == [
        "desk-forget.js",
        "desk-reader.js",
        "desk-worker.js",
        "desk.js",
        "zxing_reader.wasm",
    ]
    for path in desk:
        assert path.read_bytes() == (STATIC.parent / "console" / path.name).read_bytes(), path.name


CONSUMER = """
import { createShareLink, init, trackEvent } from '@meeteasy/webapi/analytics'
init({ endpoint: '/api/analytics/events', conferenceId: 'test', flushInterval: 30_000, flushAt: 20 })
trackEvent('page_view', { conference_id: 'test', page: '/', referrer: '' })
trackEvent('registration', { form_id: 'main', registration_id: 'r', properties: { seats: 2 } })
trackEvent('checkin', { method: 'qr' })
trackEvent('share', { share_code: 'A1b2C3d4', channel: 'mail' })
trackEvent('share_open', { share_code: 'A1b2C3d4', attribution_chain: ['A1b2C3d4'] })
trackEvent('ai_chat', { message_length: 12 })
const link: string = createShareLink({ channel: 'wechat', target: '/agenda' })
// What may be missing need not be left out.
const maybe = (text: string): string | undefined => text || undefined
init({ endpoint: maybe(''), onError: undefined })
trackEvent('page_view', { page: '/', referrer: maybe(''), conference_id: maybe('test') })
createShareLink({ channel: maybe(''), target: undefined })
console.log(link)
"""

WRONG = {
    "an unknown type": "trackEvent('pageview', { page: '/' })",
    "a misspelt field": "trackEvent('page_view', { page: '/', referer: '' })",
    "a missing field": "trackEvent('page_view', { referrer: '' })",
    "a field of another type": "trackEvent('ai_chat', { page: '/', message_length: 1 })",
    "a text for a number": "trackEvent('ai_chat', { message_length: '1' })",
    "a type that only the server makes": "trackEvent('checkin_undone', {})",
    "an unknown option": "init({ conference: 'test' })",
}


def compile_consumer(
    directory: Path, source: str, *, module: str = "nodenext", resolution: str = "nodenext"
) -> subprocess.CompletedProcess[str]:
    package = directory / "node_modules" / "@meeteasy"
    package.mkdir(parents=True, exist_ok=True)
    if not (package / "webapi").exists():
        (package / "webapi").symlink_to(WEBAPI, target_is_directory=True)
    (directory / "consumer.ts").write_text(source)
    tsc = WEBAPI / "node_modules" / "typescript" / "bin" / "tsc"
    return subprocess.run(
        ["node", str(tsc), "--noEmit", "--strict", "--exactOptionalPropertyTypes",
         "--module", module, "--moduleResolution", resolution, "--target", "es2020",
         "--lib", "es2022,dom", "--types", "", "consumer.ts"],
        cwd=directory, capture_output=True, text=True, check=False,
    )  # fmt: skip


@needs_packages
def test_the_six_types_compile(tmp_path: Path) -> None:
    result = compile_consumer(tmp_path, CONSUMER)
    assert result.returncode == 0, result.stdout


@needs_packages
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_a_compile_error(tmp_path: Path, wrong: str) -> None:
    names = "{ init, trackEvent }"
    source = f"import {names} from '@meeteasy/webapi/analytics'\n{wrong}\nexport {names}"
    result = compile_consumer(tmp_path, source)
    assert result.returncode != 0
    assert "consumer.ts(2," in result.stdout, result.stdout


@needs_node
def test_on_a_server_that_renders_pages_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "server.js").write_text(f"""
        import * as sdk from {json.dumps(str(DIST / "analytics.js"))}
        sdk.init({{ conferenceId: 'test' }})
        sdk.trackPageViews()
        sdk.followShares()
        sdk.trackEvent('page_view', {{ page: '/' }})
        sdk.optOut()
        sdk.optIn()
        sdk.reset()
        sdk.prepareWeChat({{}}, {{ title: '' }})
        await sdk.flush()
        console.log('fine', sdk.visitorId(), sdk.createShareLink({{ target: '/a' }}), await sdk.share(),
          sdk.registrationFields(), sdk.weChatSignatureAddress() === '')
    """)
    result = subprocess.run(
        ["node", "server.js"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=20
    )
    assert (result.returncode, result.stdout.strip()) == (
        0,
        "fine undefined /a false {} true",
    ), result.stderr


MODULES = [("nodenext", "nodenext"), ("node16", "node16"), ("esnext", "bundler"), ("preserve", "bundler")]


@needs_packages
@pytest.mark.parametrize(("module", "resolution"), MODULES, ids=[" ".join(pair) for pair in MODULES])
def test_the_types_are_found_however_modules_are_resolved(
    tmp_path: Path, module: str, resolution: str
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    result = compile_consumer(tmp_path, CONSUMER, module=module, resolution=resolution)
    assert result.returncode == 0, result.stdout


@needs_node
def test_common_js_can_load_the_package(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "@meeteasy"
    package.mkdir(parents=True)
    (package / "webapi").symlink_to(WEBAPI, target_is_directory=True)
    source = "console.log(require.resolve('@meeteasy/webapi/analytics'))"
    result = subprocess.run(
        ["node", "-e", source], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=20
    )
    assert result.stdout.strip() == str(DIST / "analytics.js"), result.stderr


def test_the_lock_names_no_registry() -> None:
    lock = (WEBAPI / "package-lock.json").read_text()
    assert "resolved" not in lock
    addresses = [line.strip() for line in lock.splitlines() if "://" in line]
    assert all(line.startswith('"url": "https://github.com/sponsors/') for line in addresses), addresses
    assert json.loads(lock)["packages"][""]["devDependencies"].keys() == {
        "esbuild", "typescript", "zxing-wasm",
    }  # fmt: skip
    assert "dependencies" not in json.loads((WEBAPI / "package.json").read_text())


def test_the_stub_in_the_docs_is_the_one_built() -> None:
    stub = (DIST / "stub.js").read_text().strip()
    docs = (WEBAPI.parent / "docs" / "sdk.md").read_text()
    digest = base64.b64encode(hashlib.sha256(stub.encode()).digest()).decode()
    assert f"<script>{stub}</script>" in docs
    assert f"'sha256-{digest}'" in docs
