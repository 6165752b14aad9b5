"""What was found, and what one can ask it. Knows no screen."""
