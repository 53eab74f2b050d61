"""Behaviour that an adapter and its twin in memory share: each suite runs for both."""

import pytest

pytest.register_assert_rewrite("tests.twins.bus", "tests.twins.dns", "tests.twins.notifier", "tests.twins.tables")
