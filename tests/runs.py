"""How often Python ran a step. Counted in a global, which a recorded step may change unseen."""

import collections

count = collections.Counter()
