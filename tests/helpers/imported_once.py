"""A module that knows which import of it this is: the same in processes that are copies of one that had it."""

import os
import random
import sys

import numpy as np
import ray

MARK = os.urandom(8)
ray.ObjectRef.from_random()  # as some imports do; copies share its generator then


class Worker:
    """An actor for Ray that tells about its process."""

    def told(self) -> dict:
        """Its pid and its parent's, what it was given, the module's MARK, and three draws."""
        own = {"pid": os.getpid(), "from": os.getppid(), "folder": os.getcwd(), "argument": sys.argv[0], "mark": MARK}
        draws = (random.random(), float(np.random.random()), ray.ObjectRef.from_random().hex())
        return own | {"told": os.environ.get("VERL_TTS_TOLD"), "draws": draws}

    def fail(self) -> None:
        """Ends as a process that crashes does."""
        os._exit(3)
