"""ECS: tasks as processes on this machine, and their state changes as events."""
