"""Rates, curves, intervals and reports by ISO/IEC 30107-3; numpy only."""
