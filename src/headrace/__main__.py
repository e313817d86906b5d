"""The ``headrace`` command, and ``python -m headrace``.

Imports make many objects and no garbage, so the collector rests until they are done; what they made is never looked
at again. That is a seventh of the time a start takes.
"""

import gc
import importlib
import sys


def main() -> None:
    """Load and run the command line."""
    gc.disable()
    command_line = importlib.import_module("headrace.cli.main").command_line("".join(sys.argv[1:2]))
    gc.freeze()
    gc.enable()
    command_line()


if __name__ == "__main__":
    main()
