"""What the portfolio flow does with what it must not store: one outcome each, nothing changed."""

import re
from pathlib import Path

import pytest
import requests

from infra.glue import refine
from infra.local.b3.sessions import SESSIONS
from tests.e2e.cloud import Cloud

pytestmark = pytest.mark.e2e

SESSION = SESSIONS[-1]


@pytest.fixture
def untouched(cloud: Cloud) -> dict[str, bytes]:
    """The objects before the test, landing left out: bytes may be kept, nothing else."""
    return {key: body for key, body in cloud.objects().items() if not key.startswith("landing/")}


def outside_landing(cloud: Cloud) -> dict[str, bytes]:
    return {key: body for key, body in cloud.objects().items() if not key.startswith("landing/")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trading-date", "2025-08-02"], "2025-08-01 and 2025-08-04"),
        (["--trading-date", "2025-12-25"], "2025-12-23 and 2025-12-26"),
        (["--trading-date", "01/08/2025"], "YYYY-MM-DD"),
        (["--trading-date", "2025-02-30"], "no day of the calendar"),
        (["--trading-date", "2199-08-01"], "past the next session"),
        (["--index", "ibo"], "4 to 6 letters and digits"),
        (["--index", "IBOV", "../../x"], "4 to 6 letters and digits"),
        (["--index", "all", "IBOV"], "found both"),
    ],
)
def test_wrong_usage_ends_at_once_before_any_request(
    cloud: Cloud, untouched: dict[str, bytes], arguments: list[str], said: str
) -> None:
    asked = cloud.request_count()
    outcome = cloud.run_portfolio(*arguments)
    assert outcome.code == 2
    assert said in " ".join(outcome.error.split())
    assert cloud.request_count() == asked
    assert outside_landing(cloud) == untouched


def test_a_date_that_b3_does_not_show_writes_nothing_and_says_how_to_import_it(
    cloud: Cloud, untouched: dict[str, bytes]
) -> None:
    outcome = cloud.run_portfolio("--trading-date", "2025-07-01", "--index", "SMLL")
    assert outcome.code == 1
    assert f"found {SESSION}" in outcome.error
    assert "python -m flows.import_portfolio" in outcome.error
    assert outside_landing(cloud) == untouched


def test_an_unknown_index_is_named_with_the_nearest_after_two_requests(
    cloud: Cloud, untouched: dict[str, bytes]
) -> None:
    asked = cloud.request_count()
    outcome = cloud.run_portfolio("--index", "SMAL")
    assert outcome.code == 1
    assert "B3 publishes no portfolio for SMAL" in outcome.error
    assert "B3 lists no SMAL; the nearest codes are SMLL" in outcome.error
    assert cloud.request_count() == asked + 2
    assert "Traceback" not in outcome.error
    assert outside_landing(cloud) == untouched


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("wrong_weight", "weights_sum_to_100: expected 100.000; found"),
        ("wrong_quantity", "quantities_sum_to_header: expected"),
        ("missing_row", "constituent_count: expected 110 constituents; found 109"),
        ("duplicate_ticker", "tickers_are_unique: expected no ticker twice; found"),
        ("other_language", "B3 was asked for pt-br"),
        ("no_session_date", "date_is_a_session: expected a session of B3; found"),
    ],
)
def test_bytes_that_fail_a_check_stay_in_landing_alone(
    cloud: Cloud, untouched: dict[str, bytes], fault: str, said: str
) -> None:
    cloud.misbehave(fault)
    landed, runs = set(cloud.objects("landing/")), len(cloud.glue_runs())
    outcome = cloud.run_portfolio("--index", "SMLL")
    assert outcome.code == 1
    assert said in outcome.error
    assert set(cloud.objects("landing/")) > landed
    assert outside_landing(cloud) == untouched
    assert len(cloud.glue_runs()) == runs


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("B3_LAKE_BUCKET", "B3_LAKE_BUCKET"),
        ("B3_GLUE_JOB", "B3_GLUE_JOB"),
        ("AWS_DEFAULT_REGION", "AWS_DEFAULT_REGION"),
        ("AWS_ACCESS_KEY_ID", "AWS credentials"),
    ],
)
def test_what_is_not_configured_is_named_before_any_request(
    cloud: Cloud, missing: str, said: str
) -> None:
    asked = cloud.request_count()
    outcome = cloud.run_portfolio(
        "--index",
        "SMLL",
        without=[missing, missing.replace("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")],
        extra={"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(cloud.state)},
    )
    assert outcome.code == 1
    assert said in outcome.error
    assert cloud.request_count() == asked


def test_what_passes_by_itself_is_tried_again(cloud: Cloud) -> None:
    cloud.misbehave("http_520", times=2)
    outcome = cloud.run_portfolio("--trading-date", "2025-07-01", "--index", "IDIV")
    assert outcome.code == 1
    assert "IDIV: attempt 2 of 6 failed, again in " in outcome.error
    assert f"found {SESSION}" in outcome.error


def test_a_failing_glue_run_publishes_nothing_and_its_own_message_is_told(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    script = {"Bucket": "b3-lake", "Key": "jobs/refine.py"}
    real = s3.get_object(**script)["Body"].read()
    s3.put_object(**script, Body=b"raise SystemExit('the disk is full')\n")
    try:
        outcome = cloud.run_portfolio("--index", "IBXX")
    finally:
        s3.put_object(**script, Body=real)
    assert outcome.code == 1
    assert "the disk is full" in outcome.error
    (log,) = re.findall(r"Its log: (http.+)", outcome.error.replace("\n", " "))
    log = log.replace(" ", "")  # a line has broken it
    assert "the disk is full" in requests.get(log, timeout=30).text
    assert cloud.published_rows("portfolio_daily", "IBXX", "2025-08") == []


def test_a_run_that_refines_wrong_numbers_fails_the_audit_and_publishes_nothing(
    cloud: Cloud,
) -> None:
    s3 = cloud.client("s3")
    script = {"Bucket": "b3-lake", "Key": "jobs/refine.py"}
    before = s3.get_object(**script)["Body"].read()
    real = Path(refine.__file__).read_bytes()  # on Spark
    wrong = real.replace(
        b'self.session.sql(table["statement"])',
        b'self.session.sql(table["statement"].replace("theorical_qty AS", "1L AS"))',
    )
    assert wrong != real
    s3.put_object(**script, Body=wrong)
    try:
        outcome = cloud.run_portfolio("--index", "IBXX")
    finally:
        s3.put_object(**script, Body=before)
    assert outcome.code == 1
    assert "The audit of portfolio 2025-08" in outcome.error
    assert "daily_equals_raw" in outcome.error
    assert "Nothing was published" in outcome.error
    assert cloud.published_rows("portfolio_daily", "IBXX", "2025-08") == []
