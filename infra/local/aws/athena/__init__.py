"""Athena: its SQL, translated and run by DuckDB over the catalog's partitions."""
