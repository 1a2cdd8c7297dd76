"""Refine the raw portfolio of whole months: a Glue job in plain PySpark.

Arguments:
    --lake: Where the lake is, e.g. `s3://b3-lake`.
    --index_code: The index, e.g. `IBOV`.
    --months: Months to rewrite, comma separated, e.g. `2025-07,2025-08`.
    --run_id: Names the output: `refined/<table>/run_id=<id>/index_code=…/month=…/`.

It reads every raw session of those months and writes one file a table and month under a prefix of
its own, which nobody reads until it is published. Run again with the same arguments, it writes the
same again. It imports nothing of this project and runs under `spark-submit` as well.
"""

import argparse
import re
import sys
from typing import Any

# One statement a table, run in this order over the view `raw_portfolio`; a later one reads the
# tables before it. docs/GLUE_JOB_STEPS.md explains each.
STATEMENTS = {
    "portfolio_daily": """
        SELECT
            trading_date,
            cod AS ticker,
            asset AS asset_name,
            trim(substring(type, 1, 3)) AS share_class,
            nullif(trim(substring(type, 5, 3)), '') AS corporate_event,
            nullif(trim(substring(type, 9, 2)), '') AS listing_segment,
            segment AS sector,
            theorical_qty AS theoretical_quantity,
            part AS weight_pct,
            CAST(
                rank() OVER (PARTITION BY index_code, trading_date ORDER BY part DESC) AS int
            ) AS weight_rank,
            extracted_at,
            index_code,
            date_format(trading_date, 'yyyy-MM') AS month
        FROM raw_portfolio
    """,
    "portfolio_daily_summary": """
        WITH ordered AS (
            SELECT
                *,
                row_number() OVER (
                    PARTITION BY index_code, trading_date ORDER BY part DESC, cod
                ) AS place
            FROM raw_portfolio
        )
        SELECT
            trading_date,
            CAST(count(*) AS int) AS constituent_count,
            sum(theorical_qty) AS total_theoretical_quantity,
            CAST(sum(part) AS decimal(6, 3)) AS total_weight_pct,
            max(header_reductor) AS index_divisor,
            CAST(sum(CASE WHEN place <= 5 THEN part END) AS decimal(6, 3)) AS top5_weight_pct,
            max(extracted_at) AS extracted_at,
            index_code,
            date_format(trading_date, 'yyyy-MM') AS month
        FROM ordered
        GROUP BY index_code, trading_date
    """,
    "portfolio_monthly": """
        SELECT
            ticker,
            max_by(asset_name, trading_date) AS asset_name,
            CAST(count(*) AS int) AS session_count,
            min(trading_date) AS first_trading_date,
            max(trading_date) AS last_trading_date,
            datediff(max(trading_date), min(trading_date)) AS days_between,
            avg(weight_pct) AS avg_weight_pct,
            min(weight_pct) AS min_weight_pct,
            max(weight_pct) AS max_weight_pct,
            avg(CAST(theoretical_quantity AS decimal(19, 0))) AS avg_theoretical_quantity,
            min(theoretical_quantity) AS min_theoretical_quantity,
            max(theoretical_quantity) AS max_theoretical_quantity,
            index_code,
            month
        FROM portfolio_daily
        GROUP BY index_code, month, ticker
    """,
}
# Rows lie in the file in the order in which they are asked for.
FILE_ORDER = {
    "portfolio_daily": ["trading_date", "ticker"],
    "portfolio_daily_summary": ["trading_date"],
    "portfolio_monthly": ["ticker"],
}
PARTITIONS = ["index_code", "month"]


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Read the arguments; Glue adds some of its own, which are left alone."""
    parser = argparse.ArgumentParser(description="Refine the raw portfolio of whole months.")
    parser.add_argument("--lake", required=True)
    parser.add_argument("--index_code", required=True)
    parser.add_argument("--months", required=True, type=lambda text: sorted(set(text.split(","))))
    parser.add_argument("--run_id", required=True)
    arguments, _ = parser.parse_known_args(argv)
    for month in arguments.months:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            sys.exit(f"--months: expected YYYY-MM, comma separated; found {month!r}")
    return arguments


def read_raw(spark: Any, lake: str, index_code: str, months: list[str]) -> Any:
    """Read the raw sessions of the months.

    Only the folders of those months are opened, however long the history is. A month without a
    session in raw ends the job.
    """
    from pyspark.errors import AnalysisException

    root = f"{lake}/raw/portfolio/"
    raw: Any = None
    for month in months:
        folders = f"{root}index_code={index_code}/trading_date={month}-*/"
        try:
            sessions = spark.read.option("basePath", root).parquet(folders)
        except AnalysisException as error:
            sys.exit(f"month {month} of {index_code} has no session in raw: {folders}: {error}")
        raw = sessions if raw is None else raw.unionByName(sessions)
    if raw.isEmpty():
        sys.exit(f"the raw sessions of {','.join(months)} of {index_code} hold no rows: {root}")
    return raw.withColumn("trading_date", raw["trading_date"].cast("date"))


def main(argv: list[str]) -> None:
    """Run every statement and write every table under the run's prefix."""
    from pyspark.sql import SparkSession

    arguments = parse_arguments(argv)
    spark = SparkSession.builder.appName(f"refine-portfolio-{arguments.run_id}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.ansi.enabled", "true")  # an overflow is an error, not a null
    # A path's value is text: an index code of digits is no number.
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    raw = read_raw(spark, arguments.lake, arguments.index_code, arguments.months)
    raw.cache().createOrReplaceTempView("raw_portfolio")
    for table, statement in STATEMENTS.items():
        rows = spark.sql(statement).repartition(*PARTITIONS)  # one file a partition
        rows.sortWithinPartitions(*PARTITIONS, *FILE_ORDER[table]).write.mode(
            "overwrite"
        ).partitionBy(*PARTITIONS).parquet(
            f"{arguments.lake}/refined/{table}/run_id={arguments.run_id}"
        )
        rows.createOrReplaceTempView(table)
        print(f"{table}: written for {','.join(arguments.months)}")


if __name__ == "__main__":
    main(sys.argv[1:])
