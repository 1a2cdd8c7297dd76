"""Small changes to the code, made on purpose, and whether the tests notice: see `__main__.py`."""
