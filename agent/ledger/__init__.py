"""What we remember and can prove: facts in order, acknowledgements not yet seen, a chain for each order."""
