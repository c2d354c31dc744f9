"""Services of one machine: how they say that they are ready, and what keeps them running."""
