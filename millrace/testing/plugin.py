"""The pytest plugin: a test that asks for `contract_check` runs once for each check of a use case.

    def test_contract(contract_check: Callable[[], None]) -> None:
        contract_check()

All installed use cases are checked, or those that the pytest setting `millrace_use_cases` names:
installed names or `module:attribute`.

Every pytest of an environment with Millrace loads this module, so it loads little itself.
"""

from collections.abc import Iterator

import pytest

SETTING = "millrace_use_cases"
FIXTURE = "contract_check"

pytest.register_assert_rewrite("millrace.testing.contract")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the setting."""
    parser.addini(SETTING, "use cases that contract tests check; all installed", type="args")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives a test that asks for `contract_check` one for each check of each use case.

    Raises:
        UsageError: there is no use case to check.
    """
    if FIXTURE in metafunc.fixturenames:
        names = list(metafunc.config.getini(SETTING))
        metafunc.parametrize(FIXTURE, list(_checks(names)))


def _checks(names: list[str]) -> "Iterator[object]":
    from millrace.testing.checks import checks_of  # noqa: PLC0415
    from udfs.use_cases.find import use_case_names  # noqa: PLC0415

    chosen = names or use_case_names()
    if not chosen:
        raise pytest.UsageError(f"no use case is installed, and {SETTING} names none")
    for name in chosen:
        for check in checks_of(name):
            yield pytest.param(check, id=f"{name}-{check.title}")
