"""What we know of the machines: beliefs, which watts to believe, and the columns that planning reads."""
