"""The levels that B3 publishes of an index."""
