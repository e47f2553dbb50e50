"""What app.py builds an agent of: each module joins rooms that know nothing of each other."""
