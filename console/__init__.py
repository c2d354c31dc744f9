"""Where people look and act: the command line and the web console."""
