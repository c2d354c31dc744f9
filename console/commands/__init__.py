"""One module per group of commands: `run(options, report) -> Result`. None is imported before it runs."""
