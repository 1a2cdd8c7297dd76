"""The cloud on one machine: S3, Glue and Athena on 127.0.0.1, with the lake as plain files.

`python -m infra.local up` serves moto's AWS; the modules here make real what moto only pretends:
objects live on disk, Glue jobs run on PySpark, Athena answers by DuckDB. The pipeline sees
`AWS_ENDPOINT_URL` and nothing else.
"""
