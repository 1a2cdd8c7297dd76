"""The steps of the pipeline: thin Prefect tasks over HTTP and AWS."""

import platform

__version__ = "0.1.0"
# Who asks, where no setting says it.
USER_AGENT = f"b3-pipeline/{__version__} (python-requests; Python {platform.python_version()})"
