"""What we were told: orders, their lives, who may give them, what they bind, whether the site obeys."""
