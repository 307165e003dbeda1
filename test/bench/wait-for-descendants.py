"""PROGRAM ARGUMENT…: runs a server and waits for each of its descendants, also those whose parents have ended, so that
their CPU time counts as that of children of this process (prctl PR_SET_CHILD_SUBREAPER). Passes SIGTERM on."""

import ctypes
import os
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
server = os.fork()
if server == 0:
    os.execv(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(server, signal.SIGTERM))
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
