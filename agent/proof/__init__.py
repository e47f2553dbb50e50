"""What proves itself: signatures, hash chains, signed heads, an order as a file. No I/O but the key file."""
