"""Becomes another program, and ends when whoever started it has ended: `python -I bound.py PARENT ARGV…`.

Run as a program, from the standard library alone. A function run between fork and exec would do the same, but not safely in
a process with threads. Only Linux tells a child that its parent has died; elsewhere the child lives on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, argv = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before it could be watched
            sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606 - the point
