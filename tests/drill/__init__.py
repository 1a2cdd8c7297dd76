"""The drill: flows under every fault we know, readers at work, the lake against the truth.

`python -m tests.drill --help` says how it is run; CONTRIBUTING.md how a fault is added.
"""
