"""Deciding: judging records, scoring, ranking and outcomes. Pure functions over facts; no I/O, no clock."""
