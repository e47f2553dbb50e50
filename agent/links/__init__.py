"""Connections that inputs and outputs share."""
