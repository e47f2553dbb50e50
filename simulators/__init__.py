"""The simulated farm: programs that speak the miners' own wires.

It imports neither the agent nor the drivers: what it knows of a protocol is read from the vendors' side a second time.
"""
