"""The loops: polling, deciding, sending. Nothing here decides anything; the pure rooms do."""
