"""Acts in the browser: who may do which, the form of each, what it would change, and what is waited for."""
