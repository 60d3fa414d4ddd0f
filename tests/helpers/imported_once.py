"""A module that knows which import of it this is: the same in processes that are copies of one that had it."""

import os
import random
import sys

import numpy as np

MARK = os.urandom(8)


class Worker:
    """An actor for Ray that tells about its process."""

    def told(self) -> dict:
        """Its pid and its parent's, what it was given, the module's MARK, and two draws."""
        own = {"pid": os.getpid(), "from": os.getppid(), "folder": os.getcwd(), "argument": sys.argv[0], "mark": MARK}
        return own | {"told": os.environ.get("VERL_TTS_TOLD"), "draws": (random.random(), float(np.random.random()))}

    def fail(self) -> None:
        """Ends as a process that crashes does."""
        os._exit(3)
