"""Saved files become the same rows that B3's own answer would have made."""

import base64
import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from infra.local.b3.format import DownloadQuery, content_of, render_csv
from infra.local.b3.sessions import Portfolio, generate_portfolio
from tests.e2e.cloud import Cloud, daily_tuples, expected_daily

pytestmark = pytest.mark.e2e

INDEX = "IBXL"
DAYS = (dt.date(2023, 3, 30), dt.date(2023, 4, 3))


def saved(day: dt.date) -> Portfolio:
    return generate_portfolio(INDEX, day, 40)


def write(folder: Path, portfolio: Portfolio) -> Path:
    query = DownloadQuery(language="pt-br", index=INDEX)
    path = folder / f"saved-{portfolio.trading_date}.csv"
    path.write_bytes(base64.b64decode(render_csv(content_of(portfolio, query)).body))
    return path


def without_sectors(rows: set[tuple[object, ...]]) -> set[tuple[object, ...]]:
    return {(*row[:7], None, *row[8:]) for row in rows}


def test_saved_files_are_published_and_one_that_disagrees_is_refused_unless_it_may_replace(
    cloud: Cloud, tmp_path: Path
) -> None:
    for day in DAYS:
        write(tmp_path, saved(day))
    outcome = cloud.run_flow("import_portfolio", str(tmp_path))
    assert outcome.code == 0, outcome.error
    assert outcome.last_line.startswith(f"published 2 sessions of {INDEX}: 2 month(s), run ")
    for day in DAYS:
        rows = cloud.published_rows("portfolio_daily", INDEX, f"{day:%Y-%m}")
        assert set(daily_tuples(rows)) == without_sectors(expected_daily(saved(day)))

    landed = [key for key in cloud.objects("landing/portfolio/received=") if f"/{INDEX}/" in key]
    assert len(landed) == len(DAYS)
    assert all(key.endswith(".csv.gz") for key in landed)

    again = cloud.run_flow("import_portfolio", str(tmp_path))
    assert (again.code, again.last_line) == (0, f"up to date 2 sessions of {INDEX}")

    first, second, *others = saved(DAYS[0]).constituents
    moved = Decimal("0.001")
    other = replace(
        saved(DAYS[0]),
        constituents=(
            replace(first, weight_pct=first.weight_pct + moved),
            replace(second, weight_pct=second.weight_pct - moved),
            *others,
        ),
    )
    path = str(write(tmp_path, other))
    before = cloud.objects()
    refused = cloud.run_flow("import_portfolio", path)
    assert refused.code == 1
    assert f"{first.ticker} weight_pct: {first.weight_pct} there" in refused.error
    assert "--replace" in refused.error
    assert cloud.objects() == before

    replaced = cloud.run_flow("import_portfolio", path, "--replace")
    assert replaced.code == 0, replaced.error
    assert replaced.last_line.startswith(f"published {INDEX} {DAYS[0]}, run ")
    rows = cloud.published_rows("portfolio_daily", INDEX, f"{DAYS[0]:%Y-%m}")
    weights = {row["ticker"]: row["weight_pct"] for row in rows}
    assert weights[first.ticker] == first.weight_pct + moved


def test_a_portfolio_of_a_period_is_published_into_a_month_that_holds_no_day(
    cloud: Cloud, tmp_path: Path
) -> None:
    day = dt.date(2023, 6, 5)
    path = write(tmp_path, saved(day))
    body = path.read_bytes().replace(b" do Dia 05/06/23", b" Mai. a Ago. 2023")
    path.write_bytes(body)
    before = cloud.objects()
    refused = cloud.run_flow("import_portfolio", str(path))
    assert refused.code == 1
    assert "import_portfolio FILE --period-of YYYY-MM-DD" in refused.error
    assert cloud.objects() == before

    outcome = cloud.run_flow("import_portfolio", str(path), "--period-of", str(day))
    assert outcome.code == 0, outcome.error
    done = f"published theoretical portfolio of {INDEX} on {day}, run "
    assert outcome.last_line.startswith(done)
    rows = cloud.published_rows("portfolio_theoretical", INDEX, "2023-06")
    assert {row["ticker"]: row["weight_pct"] for row in rows} == {
        row.ticker: row.weight_pct for row in saved(day).constituents
    }
    assert {(row["first_session"], row["last_session"]) for row in rows} == {(day, day)}
    assert cloud.published_rows("portfolio_daily", INDEX, "2023-06") == []

    # Its files gone, a backfill of the month makes them again, though it holds no day.
    made = cloud.commits("portfolio", "2023-06")[-1]["tables"]["portfolio_theoretical"]["objects"]
    for each in made:
        cloud.client("s3").delete_object(Bucket="b3-lake", Key=each["key"])
    month = ("--dataset", "portfolio", "--start", "2023-06-01", "--end", "2023-06-30")
    again = cloud.run_flow("backfill", *month)
    assert again.code == 0, again.error
    rows_again = cloud.published_rows("portfolio_theoretical", INDEX, "2023-06")
    assert len(rows_again) == len(rows)


def test_a_backfill_of_the_portfolio_lists_what_only_a_saved_file_can_bring(
    cloud: Cloud, tmp_path: Path
) -> None:
    path = write(tmp_path, saved(DAYS[1]))
    assert cloud.run_flow("import_portfolio", str(path)).code == 0
    outcome = cloud.run_flow(
        "backfill",
        *("--dataset", "portfolio", "--index", INDEX),
        *("--start", "2023-04-03", "--end", "2023-04-05"),
    )
    assert outcome.code == 0, outcome.error
    assert outcome.last_line == (
        f"up to date {INDEX} 2023-04-03 to 2023-04-05: 1 already there, 2 missing at the source"
    )
