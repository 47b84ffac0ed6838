"""Steps recorded and replayed, flat parameters, interrupts."""
