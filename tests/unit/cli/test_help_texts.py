"""What ``--help`` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.text import Text

from headrace.cli.main import COMMANDS as ENTRIES
from headrace.cli.main import command_line


def commands(command: Any, path: str = "headrace") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{path} {name}")
    else:
        yield path, command


COMMANDS = dict(commands(typer.main.get_command(command_line())))


@pytest.mark.parametrize("path", COMMANDS)
def test_help__nothing_is_swallowed_as_markup(path: str) -> None:
    command = COMMANDS[path]
    texts = [command.help or "", *(getattr(item, "help", None) or "" for item in command.params)]
    assert [text for text in texts if Text.from_markup(text).plain != text] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_help__every_option_and_argument_is_explained(path: str) -> None:
    unexplained = [item.name for item in COMMANDS[path].params if not getattr(item, "help", None)]
    assert unexplained == []


@pytest.mark.parametrize("path", COMMANDS)
def test_help__begins_with_a_sentence(path: str) -> None:
    assert re.match(r"[A-Z].*\.(\n|$)", (COMMANDS[path].help or "").partition("\n\n")[0].replace("\n", " "))


@pytest.mark.parametrize("name", ENTRIES)
def test_command_line__of_one_command_is_that_of_all(name: str) -> None:
    alone = dict(commands(typer.main.get_command(command_line(name))))
    assert {path: command.help for path, command in alone.items()} == {
        path: command.help for path, command in COMMANDS.items() if path.split()[1] == name
    }


def test_command_line__of_a_mistake_is_all() -> None:
    assert dict(commands(typer.main.get_command(command_line("migrat")))).keys() == COMMANDS.keys()
