"""Counts how often Python runs a step, in a global variable: plans do not see its changes."""

import collections

count = collections.Counter()
