"""A whole winter of a farm in minutes: the agent as `app` builds it, its machines and its broker in this process."""
