"""A library that speaks to miners: one firmware family per file, pure conversations, transports below.

It knows nothing of the agent: whatever it returns is a value of `drivers.interface`.
"""
