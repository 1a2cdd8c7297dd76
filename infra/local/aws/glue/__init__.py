"""Glue: the Data Catalog on disk, and job runs on PySpark."""
