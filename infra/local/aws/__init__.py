"""AWS on this machine: moto's server, with what moto only pretends made real.

Objects live on disk, Glue jobs run on PySpark, Athena answers by DuckDB, ECS tasks are processes.
"""

REGION = "us-east-1"
