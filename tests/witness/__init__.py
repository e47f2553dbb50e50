"""An outside client, pyasic, reads the simulated machines: `make witness`. It has an environment of its own."""
