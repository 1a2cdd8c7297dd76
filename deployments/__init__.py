"""What Prefect needs to run the flows elsewhere: work pool, deployments, automations."""
