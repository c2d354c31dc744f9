"""What monitors read: the table of metrics, and who looks at ledger and bus for them, outside the recorder."""
