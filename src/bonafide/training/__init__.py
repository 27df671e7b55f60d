"""One visible loop, its settings, sampler and checkpoints."""
