"""A lab of AWS Academy: what AWS says to the keys of a session that has ended, and how to go on.

Whose they are it may go on to tell; all else it refuses, by a policy that the lab has put there.
"""

_POLICY_OF_THE_END = "voc-cancel-cred"
GO_ON = (
    "Start the lab of AWS Academy again, and copy the lines of AWS Details into "
    "~/.aws/credentials (docs/ACADEMY.md)"
)


def has_session_ended(said: str) -> bool:
    """Return whether AWS's words are those to a session of a lab that has ended."""
    return _POLICY_OF_THE_END in said
