"""Transports run conversations: they alone in this library touch sockets and clocks."""
