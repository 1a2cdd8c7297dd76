"""What parliament finds: a list of policies on stdin, a list of findings for each on stdout.

The Python of parliament's environment runs it.
"""

import json
import sys
from typing import Any

from parliament import analyze_policy_string


def find(policy: dict[str, Any]) -> list[str]:
    """Return what is wrong with a policy, or may well be, a line each."""
    read = analyze_policy_string(json.dumps(policy), include_community_auditors=True)
    return [
        f"{finding.issue} {finding.detail or finding.location.get('actions')}"
        for finding in read.findings
    ]


if __name__ == "__main__":
    json.dump([find(policy) for policy in json.load(sys.stdin)], sys.stdout)
