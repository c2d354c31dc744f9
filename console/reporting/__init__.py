"""The report of a programme: pages that need nothing from elsewhere, whose figures lead to the entries of the log."""
