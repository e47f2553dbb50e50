"""What a configuration means, in words for people: what would be enforced, what would be charged."""
