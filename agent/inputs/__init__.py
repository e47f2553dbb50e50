"""Bytes from outside become values here, or one clear refusal."""
