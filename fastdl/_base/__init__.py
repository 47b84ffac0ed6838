"""What both faces stand on: the functional layer."""
