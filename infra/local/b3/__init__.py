"""B3's sites on this machine: a replay of what they answer, and of how they misbehave."""
