"""A script instance comes to an end whatever happens to the process that runs it, and is run once at most."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engine_crashes import Death, in_process
from engine_script_crashes import execute_and_die, execute_and_stumble, script_home, start_scripts_again

from headrace.engine.script_runs import LOST
from headrace.factory.script_runs import CANCELED

ENDS = (["FINISHED", ""], ["FAILED", LOST], ["FAILED", CANCELED])
DEATHS = [Death(number, committed) for number in range(1, 6) for committed in (False, True)]


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("dies", [True, False])
def test_a_script_ends_and_runs_once_at_most(tmp_path: Path, dies: bool, cancels: bool) -> None:
    template = script_home(tmp_path / "template")

    def one(death: Death) -> tuple[list[list[str]], int]:
        home = tmp_path / f"{death.number}{death.committed}"
        shutil.copytree(template, home)
        in_process(execute_and_die if dies else execute_and_stumble, home, death, cancels)
        if dies:
            in_process(start_scripts_again, home)
        answer = json.loads((home / "answer.json").read_text())
        assert answer["left"] == []
        ran = home / "obs.ran"
        return answer["found"], len(ran.read_text().split()) if ran.exists() else 0

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, DEATHS))
    for death, (found, ran) in zip(DEATHS, results, strict=True):
        assert len(found) == 1 or (dies and death == DEATHS[0] and not found), death
        assert all(item in ENDS for item in found), (death, found)
        assert ran <= 1, (death, "it ran more than once")
