"""The day's portfolio of an index: what B3 shows of it, and what is made of it."""
