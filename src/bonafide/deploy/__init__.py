"""Export with parity, the runtime without torch, and the detector built on it."""
