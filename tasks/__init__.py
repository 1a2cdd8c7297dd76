"""The steps of the pipeline: thin Prefect tasks over HTTP and AWS."""

__version__ = "0.1.0"
