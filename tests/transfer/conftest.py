"""Has pytest explain the comparisons of the common suite."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("transfer_suite")
