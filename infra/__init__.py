"""Where the pipeline runs: the cloud, and the same cloud on one machine."""
