"""The other flows' commands, run against the local cloud."""

from tests.e2e.cloud import Cloud, Outcome, run_module


def run_flow(cloud: Cloud, name: str, *arguments: str) -> Outcome:
    """Run `python -m flows.<name>` as a person would."""
    return run_module(f"flows.{name}", arguments, cloud.env)
