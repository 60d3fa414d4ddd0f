"""A module that knows which import of it this is: the same in processes that are copies of one that had it."""

import os

MARK = os.urandom(8)
