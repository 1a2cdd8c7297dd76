"""The steps of the pipeline: thin Prefect tasks over HTTP and AWS."""
