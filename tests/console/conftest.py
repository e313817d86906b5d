"""A browser that shows the console of the tests' server, and jobs for it to show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.console import page as built

DEADLINE = 30_000  # milliseconds for whatever must appear


class Jobs:
    """Makes jobs in a workspace, through the API."""

    def __init__(self, server: Any) -> None:
        self.server, self.workspace = server, server.workspace()

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        headers = {"workspace": self.workspace}
        answer = self.server.http.request(method, f"/v1/{{p}}{path}", json=body, params=params, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def create(self, name: str, *nodes: dict[str, Any], cron: dict[str, Any] | None = None) -> str:
        schedule = {"type": "CRON", "cron": cron} if cron else {"type": "EXECUTE_ONCE"}
        self.call("POST", "/jobs", {"name": name, "processType": "BATCH", "nodes": list(nodes), "schedule": schedule})
        return name

    def status(self, name: str) -> str:
        status: str = self.call("GET", f"/jobs/{name}/status")["status"]
        return status


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium; not longer than the module, as its driver runs an event loop in this thread."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed (scripts/services.sh start chromium)")
    if not built.is_built():
        pytest.skip("the page of the console is not built (make console)")
    options = ["--disable-dev-shm-usage", "--no-sandbox"]  # as root it has none; it shows our own page only
    api.expect.set_options(timeout=DEADLINE)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options, timeout=2 * DEADLINE)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A window of a browser that nobody used before. What breaks the page's script or its policy fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(DEADLINE)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda told: broken.append(told.text) if "Content Security Policy" in told.text else None)
    yield page
    context.close()
    assert broken == []


@pytest.fixture
def console(page: Any, server: Any, jobs: Jobs) -> Any:
    """The console, signed in, in the workspace of the jobs."""
    page.goto(server.url)
    page.get_by_label("User").fill(server.credentials["user"])
    page.get_by_label("Password").fill(server.credentials["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Workspace").select_option(value=jobs.workspace)
    return page
