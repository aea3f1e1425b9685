"""Runs MiniStack in the foreground. With SLUICE_ENDPOINT_LIFELINE=1 it ends, with its Lambda workers, when its stdin does:
the starter holds the other end of that pipe, so even a starter killed with SIGKILL leaves nothing behind."""

import os
import signal
import sys
import threading


def end_with_starter():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


# Taken out of the environment: MiniStack hands its own to every Lambda.
if os.environ.pop("SLUICE_ENDPOINT_LIFELINE", "") == "1":
    threading.Thread(target=end_with_starter, daemon=True).start()

from ministack.app import main  # noqa: E402

main()
