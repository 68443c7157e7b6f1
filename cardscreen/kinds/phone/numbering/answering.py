"""A process that answers for `asking`: lists of (text, region) in, lists of answers out, JSON in a line each.

It greets with the version of `phonenumbers` that it asks, and ends with its input.
"""

from __future__ import annotations

import json
import signal
import sys

import phonenumbers

from cardscreen.kinds.phone.numbering.reference import answer


def main() -> None:
    """Answer until the input ends; an interrupt is for the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(phonenumbers.__version__, flush=True)  # noqa: T201
    for line in sys.stdin.buffer:
        print(json.dumps([answer(*question) for question in json.loads(line)]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
