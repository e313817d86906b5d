"""What a user does in the console, in a real browser against a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DAY = 24 * 3600 * 1000


def shell(name: str, statement: str, *before: str) -> dict[str, Any]:
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    return {"name": name, "type": "Shell", "preNodeName": list(before), "properties": properties}


def dummy(name: str, *before: str) -> dict[str, Any]:
    return {"name": name, "type": "Dummy", "preNodeName": list(before)}


def state(page: Any, value: str) -> Any:
    """The state of what the page shows, when it has a value."""
    return page.get_by_role("heading", level=1).get_by_text(value, exact=True)


def confirm(page: Any, action: str) -> None:
    page.get_by_role("button", name=action).click()
    page.get_by_role("dialog").get_by_role("button", name=action).click()


def show_job(page: Any, jobs: Any, name: str) -> None:
    page.goto(f"{jobs.server.url}/console/#/jobs/{name}")


def until_there(path: Path) -> str:
    """A shell loop that goes on when a file is there."""
    return f"until [ -e '{path}' ]; do sleep 0.1; done"


# ---- signing in


def test_sign_in__a_wrong_password_is_told_with_its_code(page: Any, server: Any) -> None:
    page.goto(server.url)
    page.get_by_label("User").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("APIGW.0301")
    expect(page.get_by_role("alert")).to_contain_text("the user name or the password is wrong.")


def test_sign_in__is_of_this_tab_and_ends_with_sign_out(console: Any, browser: Any, server: Any) -> None:
    console.reload()
    expect(console.get_by_role("heading", name="Jobs")).to_be_visible()
    other = console.context.new_page()
    other.goto(server.url)
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()

    console.get_by_role("button", name="Sign out").click()
    expect(console.get_by_role("heading", name="Sign in")).to_be_visible()
    assert console.evaluate("sessionStorage.length + localStorage.length") == 0


def test_sign_in__a_token_that_counts_no_more_leads_back_to_it(console: Any) -> None:
    forge = 'sessionStorage.setItem(k, sessionStorage.getItem(k).replace(/"token":"[^"]*"/, \'"token":"x"\'))'
    console.evaluate(f"for (const k of Object.keys(sessionStorage)) {forge}")
    console.reload()

    expect(console.get_by_text("Your session has ended; sign in again.")).to_be_visible()


def test_sign_in__is_not_asked_for_where_the_server_takes_anybody(page: Any, start_server: Any, tmp_path: Path) -> None:
    with start_server(tmp_path / "home", auth="none") as running:
        page.goto(running.url)
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)


# ---- jobs


def test_jobs__are_found_by_name_type_and_status(console: Any, jobs: Any) -> None:
    for name in ("found_a", "found_b", "other_c"):
        jobs.create(name, dummy("n"), cron={"expression": "0 0 3 * * ?"})
    jobs.call("POST", "/jobs/found_b/start", {})
    row = console.get_by_role("rowheader")

    console.get_by_label("Name contains").fill("found_")
    expect(row).to_have_text(["found_b", "found_a"])
    console.get_by_label("Status").select_option("SCHEDULING")
    expect(row).to_have_text(["found_b"])
    console.reload()  # the filters are part of the address
    expect(row).to_have_text(["found_b"])
    console.get_by_label("Type").select_option("Real-time")
    expect(console.get_by_text("No job matches.")).to_be_visible()


def test_job__its_next_plan_times_are_those_of_the_api(console: Any, jobs: Any) -> None:
    first = datetime.now(UTC) + timedelta(days=3)  # later than any clock of this test comes
    cron = {"expression": "0 30 2 * * ?", "startTime": f"{first:%Y-%m-%dT%H:%M:%S}+00"}
    jobs.create("daily", dummy("n"), cron=cron)
    begin = int(first.timestamp() * 1000)
    body = {"minPlanTime": begin, "maxPlanTime": begin + 30 * DAY, "jobs": ["daily"], "asIfStarted": True}
    told = [each["planTime"] for each in jobs.call("POST", "/simulation", body)["instances"]]

    show_job(console, jobs, "daily")
    times = console.get_by_role("list", name="Next plan times").get_by_role("listitem")
    expect(times).to_have_count(5)
    console.get_by_label("How many").fill("12")
    expect(times).to_have_count(12)

    shown = times.locator("time").evaluate_all("all => all.map(each => Date.parse(each.dateTime))")
    assert shown == told[:12]
    zone = datetime.fromtimestamp(told[0] / 1000, UTC) + timedelta(hours=8)  # Asia/Shanghai, the server's
    expect(times.first).to_have_text(f"{zone:%Y-%m-%d %H:%M:%S}")
    expect(console.get_by_text("Runs every day at 02:30.")).to_be_visible()
    expect(console.get_by_text("The schedule is not started")).to_be_visible()


def test_job__that_has_no_more_plan_times_says_so(console: Any, jobs: Any) -> None:
    cron = {"expression": "0 0 3 * * ?", "startTime": "2020-01-01T00:00:00+08", "endTime": "2020-02-01T00:00:00+08"}
    show_job(console, jobs, jobs.create("over", dummy("n"), cron=cron))

    expect(console.get_by_text("There are no plan times in the next ten years.")).to_be_visible()
    expect(console.get_by_text("2020-02-01T00:00:00+08")).to_be_visible()


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0/15 8-20 * * ?", "Runs every day every 15 minutes between 08:00 and 20:59."),
        ("0 0 9,18 ? * 2-6", "Runs every Monday, Tuesday, Wednesday, Thursday and Friday at 09:00 and 18:00."),
        ("0 15 0/6 L * ?", "Runs on the last day of every month every 6 hours from 00:15."),
        ("0 5 * 1,15 * ?", "Runs on day 1 and 15 of every month at minute 5 of every hour."),
        ("0 0/25 * * * ?", "Runs as its cron expression says."),
        ("0 0 2 ? * 6#3", "Runs as its cron expression says."),
    ],
)
def test_job__its_schedule_is_told_in_words(console: Any, jobs: Any, expression: str, words: str) -> None:
    number = len(jobs.call("GET", "/jobs", limit=1000)["jobs"])
    name = jobs.create(f"words_{number}", dummy("n"), cron={"expression": expression})

    show_job(console, jobs, name)

    expect(console.get_by_text(words)).to_be_visible()
    expect(console.get_by_text(expression)).to_be_visible()


def test_job__its_schedule_starts_pauses_goes_on_and_stops(console: Any, jobs: Any) -> None:
    name = jobs.create("life", dummy("n"), cron={"expression": "0 0 3 1 * ?"})
    show_job(console, jobs, name)
    expect(state(console, "STOPPED")).to_be_visible()

    console.get_by_role("button", name="Start schedule").click()
    expect(state(console, "SCHEDULING")).to_be_visible()
    assert jobs.status(name) == "SCHEDULING"

    console.get_by_role("button", name="Pause schedule").click()
    expect(state(console, "PAUSED")).to_be_visible()
    console.get_by_role("button", name="Resume schedule").click()
    expect(state(console, "SCHEDULING")).to_be_visible()

    console.get_by_role("button", name="Stop schedule").click()
    console.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(console.get_by_role("dialog")).to_have_count(0)
    assert jobs.status(name) == "SCHEDULING"
    confirm(console, "Stop schedule")
    expect(state(console, "STOPPED")).to_be_visible()
    assert jobs.status(name) == "STOPPED"


def test_job__what_the_server_refuses_is_told_with_its_code(console: Any, jobs: Any) -> None:
    name = jobs.create("empty")
    show_job(console, jobs, name)
    console.get_by_role("button", name="Start schedule").click()

    refused = jobs.server.http.post(f"/v1/{{p}}/jobs/{name}/start", headers={"workspace": jobs.workspace}).json()
    expect(console.get_by_role("alert")).to_contain_text(f"{refused['error_code']} {refused['error_msg']}")


def test_job__that_is_not_there_is_told(console: Any, jobs: Any) -> None:
    show_job(console, jobs, "%2e%2e%2fnobody")

    expect(console.get_by_role("alert").first).to_contain_text("DLF.0100")


# ---- instances


def test_run_now__the_instance_runs_and_its_log_is_read_while_it_does(console: Any, jobs: Any, tmp_path: Path) -> None:
    go = tmp_path / "go"
    said = "<script>document.title = 'hostile'</script>"
    name = jobs.create("talks", shell("says", f'echo "{said}"; {until_there(go)}; echo done'), dummy("last", "says"))
    show_job(console, jobs, name)
    confirm(console, "Run now")

    expect(state(console, "running")).to_be_visible()
    log = console.get_by_role("log", name="Log of says")
    expect(log).to_contain_text(said)
    expect(console.get_by_text("live", exact=True)).to_be_visible()
    go.touch()
    expect(state(console, "success")).to_be_visible()
    console.get_by_role("button", name="Log of says").click()
    expect(log).to_contain_text("done")
    expect(console.get_by_text("complete", exact=True)).to_be_visible()
    expect(console.locator(".node-success")).to_have_count(2)
    assert "hostile" not in console.title()

    console.get_by_role("link", name="Instances").click()
    console.get_by_label("Job name contains").fill(name)
    expect(console.get_by_role("row").filter(has_text=name)).to_contain_text("success")
    console.get_by_label("State").select_option("fail")
    expect(console.get_by_text("No instance matches.")).to_be_visible()


def test_instance__that_failed_tells_why_and_runs_again(console: Any, jobs: Any, tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    name = jobs.create("fails", shell("tries", f"[ -e '{mended}' ] || exit 3"))
    show_job(console, jobs, name)
    confirm(console, "Run now")
    expect(state(console, "fail")).to_be_visible()
    [failed] = jobs.call("GET", "/jobs/instances/detail", jobName=name)["instances"]
    [node] = jobs.call("GET", f"/jobs/{name}/instances/{failed['instanceId']}")["nodes"]
    row = console.get_by_role("row").filter(has=console.get_by_role("rowheader", name="tries"))
    expect(row).to_contain_text(node["errorMessage"])
    expect(console.get_by_role("log", name="Log of tries")).to_contain_text("Ended: fail")

    mended.touch()
    console.get_by_role("button", name="Rerun").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Where to begin").select_option("At the nodes that failed")
    dialog.get_by_role("button", name="Rerun").click()

    expect(state(console, "success")).to_be_visible()
    expect(console.get_by_role("log", name="Log of tries")).to_contain_text("Ended: success")


def test_instance__that_waits_tells_why_and_can_be_stopped(console: Any, jobs: Any, tmp_path: Path) -> None:
    go = tmp_path / "go"
    name = jobs.create("alone", shell("waits", until_there(go)), cron={"expression": "0 0 3 1 * ?", "concurrent": 1})
    first, second = (jobs.call("POST", f"/jobs/{name}/run-immediate")["instanceId"] for _ in range(2))

    console.get_by_role("link", name="Instances").click()
    console.get_by_role("link", name=str(second)).click()
    expect(state(console, "waiting")).to_be_visible()
    expect(console.get_by_text("1 instance of the job runs, and no more than 1 may at once")).to_be_visible()

    confirm(console, "Stop")
    expect(state(console, "manual-stop")).to_be_visible()
    go.touch()
    jobs.server.installation.engine.wait(first, 30)


# ---- the frame


def test_workspaces__each_shows_its_own_jobs(console: Any, jobs: Any) -> None:
    jobs.create("of_the_first", dummy("n"))
    other = jobs.server.workspace()
    console.reload()
    expect(console.get_by_role("link", name="of_the_first")).to_be_visible()

    console.get_by_label("Workspace").select_option(value=other)
    expect(console.get_by_text("No job matches.")).to_be_visible()
    console.get_by_label("Workspace").select_option(value=jobs.workspace)
    expect(console.get_by_role("link", name="of_the_first")).to_be_visible()


def test_keyboard__reaches_a_job_and_asks_before_it_runs(console: Any, jobs: Any) -> None:
    name = jobs.create("by_keyboard", dummy("n"))
    console.reload()
    expect(console.get_by_role("link", name=name)).to_be_visible()

    console.get_by_role("link", name=name).focus()
    console.keyboard.press("Enter")
    expect(console.get_by_role("heading", level=1, name=name)).to_be_focused()
    expect(console.get_by_role("button", name="Start schedule")).to_be_visible()
    console.keyboard.press("Tab")
    expect(console.get_by_role("button", name="Run now")).to_be_focused()
    console.keyboard.press("Enter")
    expect(console.get_by_role("dialog")).to_be_visible()
    console.keyboard.press("Escape")
    expect(console.get_by_role("dialog")).to_have_count(0)
    assert jobs.call("GET", f"/jobs/{name}/status")["nodes"][0].get("jobInstanceId") is None
