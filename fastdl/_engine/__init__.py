"""Recording and replay of steps, flat parameters, interrupts."""
