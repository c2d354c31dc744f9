"""Witnessing over HTTP (C2SP tlog-witness v1.0.0): a witness of our own for auditors, and what a log says to witnesses."""
