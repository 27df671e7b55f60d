"""Cues computed before any network: magnified motion and colour, and the texture of LBP."""
