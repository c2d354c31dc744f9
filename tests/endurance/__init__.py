"""What takes long: an hour at a steady rate (`make soak`), and everything killed at random (`make chaos`)."""
