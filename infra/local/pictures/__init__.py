"""Pictures of the dashboard and of a report, and transcripts of the commands.

They are for the docs, and to be looked at before and after a change.
It knows the pipeline as a person does: what `python -m infra.local.local` prints, Prefect's API and
pages, S3, Glue, and the command lines. So the same pictures can be taken of any state of the code.
"""
