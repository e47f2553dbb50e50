"""The agent: one daemon that holds a mining farm to its orders and keeps what it knew and did."""
