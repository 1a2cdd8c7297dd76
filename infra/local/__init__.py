"""The cloud on one machine: `aws`, `b3`, and in the modules beside them what puts them together.

`python -m infra.local up` serves both on 127.0.0.1. The pipeline sees `AWS_ENDPOINT_URL` and B3's
addresses, and nothing else.
"""
