"""The agent's HTTP server: /metrics, health, and the API of the contract."""
