"""State to the world: metrics, the API, what is shown. Nothing here decides or remembers."""
