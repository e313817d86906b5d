"""A migration job as it is run: two links, the inputs of its sides and its settings; all words replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.transfer.options import Inputs, Link, Options

OWN_STORE = Link(name="", connector="obs-connector", values={})  # the object store of this installation


@dataclass(frozen=True, kw_only=True)
class Job:
    """``driver``: the job's settings by their full names (``throttlingConfig.numExtractors``).

    ``dirty_link``: where bad rows go; the object store of this installation where the job names none.
    ``verdict_link``: where the verdicts on copied files go, where that is elsewhere.
    ``whole_database``: every table of the source's schema is migrated.
    """

    name: str
    from_link: Link
    to_link: Link
    source: Options
    target: Options
    driver: Mapping[str, str]
    dirty_link: Link = OWN_STORE
    verdict_link: Link | None = None
    whole_database: bool = False

    def section(self, name: str) -> Inputs:
        """One section of the settings."""
        prefix = f"{name}."
        found = {key.removeprefix(prefix): value for key, value in self.driver.items() if key.startswith(prefix)}
        return Inputs(section=name, values=found)
