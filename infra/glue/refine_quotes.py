"""Refine the raw quotes of whole months: a Glue job in plain PySpark.

Arguments:
    --lake: Where the lake is, e.g. `s3://b3-lake`.
    --months: Months to rewrite, comma separated, e.g. `2025-07,2025-08`.
    --run_id: Names the output: `refined/<table>/run_id=<id>/month=…/`.

It reads every raw session of those months and writes one file a table and month under a prefix of
its own, which nobody reads until it is published. Run again with the same arguments, it writes the
same again. It imports nothing of this project and runs under `spark-submit` as well.
"""

import argparse
import re
import sys
from typing import Any

# One statement a table, run in this order over the view `raw_quotes`; a later one reads the
# tables before it. docs/GLUE_JOB_STEPS.md explains each.
STATEMENTS = {
    "quotes_daily": """
        SELECT
            data AS trading_date,
            codneg AS ticker,
            tpmerc AS market_type,
            CAST(nullif(prazot, '') AS int) AS forward_days,
            CASE
                WHEN tpmerc = '070' THEN 'call'
                WHEN tpmerc = '080' THEN 'put'
                WHEN tpmerc = '012' THEN 'call_exercise'
                WHEN tpmerc = '013' THEN 'put_exercise'
                WHEN tpmerc = '030' THEN 'forward'
                WHEN tpmerc IN ('050', '060') THEN 'future'
                WHEN especi LIKE 'DIR%' THEN 'right'
                WHEN especi LIKE 'BNS%' THEN 'bonus'
                WHEN especi LIKE 'DR%' THEN 'bdr'
                WHEN especi LIKE 'UNT%' THEN 'unit'
                WHEN especi LIKE 'CI%' OR codbdi IN ('12', '13', '14') THEN 'fund'
                WHEN substring(especi, 1, 2) IN ('ON', 'OP', 'PN', 'PP') THEN 'share'
                ELSE 'other'
            END AS instrument_kind,
            CASE tpmerc WHEN '010' THEN 'round' WHEN '020' THEN 'odd' ELSE 'none' END AS lot,
            codbdi AS bdi_code,
            nomres AS issuer_name,
            especi AS specification,
            modref AS currency,
            CAST(preabe / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS open_price,
            CAST(premax / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS high_price,
            CAST(premin / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS low_price,
            CAST(premed / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS average_price,
            CAST(preult / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS close_price,
            CAST(
                nullif(preofc, 0) / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)
            ) AS best_bid_price,
            CAST(
                nullif(preofv, 0) / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)
            ) AS best_ask_price,
            totneg AS trade_count,
            quatot AS quantity,
            voltot AS volume,
            fatcot AS quote_factor,
            nullif(preexe, 0) AS strike_price,
            nullif(ptoexe, 0) AS strike_points,
            nullif(datven, DATE '9999-12-31') AS expiry_date,
            codisi AS isin,
            dismes AS distribution_number,
            date_format(data, 'yyyy-MM') AS month
        FROM raw_quotes
    """,
    "quotes_monthly": """
        SELECT
            ticker,
            currency,
            max_by(issuer_name, trading_date) AS issuer_name,
            CAST(count(*) AS int) AS session_count,
            min(trading_date) AS first_trading_date,
            max(trading_date) AS last_trading_date,
            min_by(open_price, trading_date) AS open_price,
            max(high_price) AS high_price,
            min(low_price) AS low_price,
            max_by(close_price, trading_date) AS close_price,
            sum(trade_count) AS trade_count,
            sum(quantity) AS quantity,
            sum(volume) AS volume,
            month
        FROM quotes_daily
        WHERE market_type = '010'
        GROUP BY month, ticker, currency
    """,
}
# Rows lie in the file in the order in which they are asked for.
FILE_ORDER = {
    "quotes_daily": ["ticker", "trading_date", "market_type", "forward_days"],
    "quotes_monthly": ["ticker", "currency"],
}
PARTITIONS = ["month"]


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Read the arguments; Glue adds some of its own, which are left alone."""
    parser = argparse.ArgumentParser(description="Refine the raw quotes of whole months.")
    parser.add_argument("--lake", required=True)
    parser.add_argument("--months", required=True, type=lambda text: text.split(","))
    parser.add_argument("--run_id", required=True)
    arguments, _ = parser.parse_known_args(argv)
    for month in arguments.months:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            sys.exit(f"--months: expected YYYY-MM, comma separated; found {month!r}")
    return arguments


def read_raw(spark: Any, lake: str, months: list[str]) -> Any:
    """Read the raw sessions of the months.

    Only the folders of those months are opened, however long the history is. A month without a
    session in raw ends the job.
    """
    from pyspark.errors import AnalysisException

    folders = [f"{lake}/raw/quotes/trading_date={month}-*/" for month in months]
    try:
        raw = spark.read.parquet(*folders)
    except AnalysisException as error:
        sys.exit(f"a month of {','.join(months)} has no session in raw: {error}")
    if raw.isEmpty():
        sys.exit(f"the raw sessions of {','.join(months)} hold no rows: {lake}/raw/quotes/")
    return raw


def main(argv: list[str]) -> None:
    """Run every statement and write every table under the run's prefix."""
    from pyspark.sql import SparkSession

    arguments = parse_arguments(argv)
    spark = SparkSession.builder.appName(f"refine-quotes-{arguments.run_id}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.ansi.enabled", "true")  # an overflow is an error, not a null
    # Forty years do not fit in memory: each statement reads raw again, the columns it needs.
    read_raw(spark, arguments.lake, arguments.months).createOrReplaceTempView("raw_quotes")
    for table, statement in STATEMENTS.items():
        rows = spark.sql(statement)
        rows.createOrReplaceTempView(table)
        by_month = rows.repartition(len(arguments.months), *PARTITIONS)  # one file a partition
        by_month.sortWithinPartitions(*PARTITIONS, *FILE_ORDER[table]).write.mode(
            "overwrite"
        ).partitionBy(*PARTITIONS).parquet(
            f"{arguments.lake}/refined/{table}/run_id={arguments.run_id}"
        )
        print(f"{table}: written for {','.join(arguments.months)}")


if __name__ == "__main__":
    main(sys.argv[1:])
