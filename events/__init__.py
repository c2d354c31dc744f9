"""The language: what has happened in a programme, and how it is written down."""
