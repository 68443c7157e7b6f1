"""What libraries do that can't be told how much memory to take, in a process of its own that can."""

from __future__ import annotations

import subprocess
import sys

from cardscreen.foundation.bounds import MIB, Held

_ROOM = 768 * MIB  # of addresses, that such a process has for itself
_ENDED = 9  # the exit code where memory did not suffice and the library says so; others are ended by a signal
_BOUNDED = f"""
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass
try:
    exec(sys.argv[2], {{"content": sys.stdin.buffer.read(), "arguments": sys.argv[3:]}})
except MemoryError:
    sys.exit({_ENDED})
"""


def done_apart(code: str, content: bytes, held: Held, where: str, *arguments: str) -> str:
    """What a program prints of a file's `content` and its `arguments`; nothing where it fails for other reasons.

    Raises:
        InputError: It takes more memory than `unpacked_mib` allows.
    """
    most = held.bounds.unpacked_mib * MIB + 2 * len(content) + _ROOM
    command = [sys.executable, "-c", _BOUNDED, str(most), code, *arguments]
    done = subprocess.run(command, input=content, capture_output=True)
    if done.returncode == _ENDED or done.returncode < 0:
        raise held.past(where, "unpacked_mib")
    return "" if done.returncode else done.stdout.decode()
