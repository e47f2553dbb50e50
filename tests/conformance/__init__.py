"""Replies of real machines, served over real sockets and read by the drivers as the agent's poller reads.

`python -m tests.conformance DIR` takes every *.json and every folder with an INDEX.read.tsv below DIR.
"""
