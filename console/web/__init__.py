"""The web application: what it answers, to whom, and how much of it."""
