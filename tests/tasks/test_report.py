from tasks.core.checks import compare
from tasks.report import tabulate_checks


def test_verdicts_become_the_rows_of_a_table() -> None:
    assert tabulate_checks([compare("sum", 1, 1), compare("count", 84, 83)]) == [
        {"check": "sum", "verdict": "passed", "expected": "1", "found": "1"},
        {"check": "count", "verdict": "FAILED", "expected": "84", "found": "83"},
    ]
