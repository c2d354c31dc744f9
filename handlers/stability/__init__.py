"""How stable an outcome is: one phase decided again with something changed, by computing only what the change touches."""
