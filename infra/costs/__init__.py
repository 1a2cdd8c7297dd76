"""What the deployment costs, and from which figures."""
