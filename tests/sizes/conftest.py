"""Says at the end how much was compared."""

from __future__ import annotations

import pytest

COUNTS = pytest.StashKey[dict[str, object]]()


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> dict[str, object]:
    """Counts to show when all tests are done, by what they count."""
    return request.config.stash.setdefault(COUNTS, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, count in config.stash.get(COUNTS, {}).items():
        terminalreporter.write_line(f"{name}: {count}")
