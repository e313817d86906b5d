"""How instances are laid out as lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headrace.cli.instance_layout import Line, PlainTeller, outputs, summary, tree
from headrace.cli.instance_view import InstanceView, NodeView


def node(name: str, status: str, **members: Any) -> NodeView:
    return NodeView(name=name, type="Shell", status=status, **members)


def instance(*nodes: NodeView, status: str = "running", number: int = 1, **members: Any) -> InstanceView:
    return InstanceView(id=number, job="day", name="day", status=status, nodes=nodes, **members)


def texts(lines: list[Line]) -> list[str]:
    return [" ".join(line.text.split()) for line in lines]


def children(*states: str) -> tuple[InstanceView, ...]:
    return tuple(
        InstanceView(id=10 + at, job="inner", name=f"round_{at}", status=status, nodes=(node("work", status),))
        for at, status in enumerate(states, 1)
    )


LOOP = node("loop", "running", seconds=2.0, children=children("success", "running", "waiting"))


def test_tree__nodes_below_their_job_and_what_a_node_runs_below_it() -> None:
    lines = tree(instance(node("first", "success", seconds=0.5), LOOP, node("last", "waiting"), seconds=2.5))
    assert [line.text.rstrip() for line in lines] == [
        "▶ day: running  2.50 s",
        "  ✓ first                        Shell        success        0.50 s",
        "  ▶ loop                         Shell        running        2.00 s",
        "    ✓ round_1: success",
        "      ✓ work                         Shell        success",
        "    ▶ round_2: running",
        "      ▶ work                         Shell        running",
        "    · round_3: waiting",
        "      · work                         Shell        waiting",
        "  · last                         Shell        waiting",
    ]
    assert [line.style for line in lines[:3]] == ["cyan", "green", "cyan"]


def test_tree__a_node_that_failed_says_why_and_what_it_said_last() -> None:
    tail = ("line 1", "line 2", "[2026-01-01 00:00:00] Ended: failed. It broke.")
    lines = tree(instance(node("bad", "fail", message="It broke.", tail=tail, retries=2, seconds=1)))
    assert texts(lines)[1:] == ["✗ bad Shell fail 1.00 s retries: 2", "It broke.", "│ line 1", "│ line 2"]


def test_tree__what_is_quiet_is_counted_where_there_is_no_room() -> None:
    many = [node(f"n{at}", "success") for at in range(40)]
    lines = tree(instance(*many, node("busy", "running"), node("next", "waiting")), height=10)
    assert texts(lines) == ["▶ day: running", "▶ busy Shell running", "· nodes: 40 success, 1 waiting"]


def test_tree__never_higher_than_the_terminal() -> None:
    lines = tree(instance(*(node(f"n{at}", "running") for at in range(40))), height=10)
    assert len(lines) == 10
    assert lines[-1].text == "… 32 more lines"


def test_tree__of_many_rounds_those_are_shown_that_are_not_quiet() -> None:
    loop = node("loop", "running", children=children(*["success"] * 20, "fail", "running", *["waiting"] * 5))
    found = texts(tree(instance(loop)))
    assert "✗ round_21: fail" in found
    assert "▶ round_22: running" in found
    assert found[-1] == "· instances: 20 success, 5 waiting"


def test_tree__what_a_terminal_would_obey_is_not_written() -> None:
    evil = node("a\x1b[2Jb", "fail", message="boom\x07\nsecond")
    assert not any("\x1b" in line.text or "\x07" in line.text for line in tree(instance(evil)))


def test_news__each_node_is_told_once_when_it_has_ended() -> None:
    teller = PlainTeller()
    running = instance(node("a", "success", seconds=0.1), node("b", "running", seconds=0.1))
    assert texts(teller.news(running)) == ["✓ a Shell success 0.10 s"]
    assert teller.news(running) == []
    ended = instance(node("a", "success"), node("b", "fail", seconds=1, message="No.", tail=("x",)))
    assert texts(teller.news(ended)) == ["✗ b Shell fail 1.00 s", "No.", "│ x"]


def test_news__another_attempt_is_told_once_with_why() -> None:
    teller = PlainTeller()
    waits = instance(node("a", "waiting", retries=1, message="No."))
    assert texts(teller.news(waits)) == ["↻ a: tried again. No."]
    assert teller.news(waits) == []
    assert texts(teller.news(instance(node("a", "running", retries=2)))) == ["↻ a: tried again."]


def test_news__rounds_in_a_line_each_and_of_one_that_failed_what_failed() -> None:
    teller = PlainTeller()
    assert texts(teller.news(instance(LOOP))) == ["✓ round_1: success"]
    bad = InstanceView(
        id=12,
        job="inner",
        name="round_2",
        status="fail",
        nodes=(node("work", "fail", message="No."), node("x", "skip")),
    )
    later = replace(LOOP, children=(LOOP.children[0], bad, LOOP.children[2]))
    assert texts(teller.news(instance(later))) == ["✗ round_2: fail", "✗ work Shell fail", "No."]


def test_summary__says_why_where_no_node_does() -> None:
    stopped = instance(node("a", "manual-stop"), status="manual-stop", seconds=1.5, message="Stopped.")
    assert summary(stopped).text == "day: manual-stop in 1.50 s Stopped."
    failed = instance(node("a", "fail"), status="fail", seconds=1.5, message="Node 'a': No.")
    assert summary(failed).text == "day: fail in 1.50 s"


def test_outputs__of_nodes_that_succeeded_and_said_something() -> None:
    found = instance(node("a", "success", output="x"), node("b", "success", output=""), node("c", "fail", output="y"))
    assert [item.name for item in outputs(found)] == ["a"]
