"""What to do now: pure functions from what is known, wanted and binding to levels and commands."""
