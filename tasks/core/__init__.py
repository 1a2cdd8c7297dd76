"""What decides: pure functions from bytes and tables to tables and verdicts.

Nothing here knows Prefect, AWS, HTTP, settings, the clock or the environment: "today" is an
argument, and so is everything else.
"""
