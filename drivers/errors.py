"""What can go wrong with a device, named by what the caller does next.

    DeviceError
    ├── Unreachable      try later; a command that was sent may have been obeyed
    │   └── NotListening the host is up and refuses this port; another port may answer
    ├── Garbled          keep the payload, tell a developer; the machine's state is unknown
    ├── DriverBug        tell a developer: the mistake is ours, the machine's state is unknown
    └── Refused          do not repeat unchanged
        ├── NotPermitted ask the operator (password, write access)
        └── Unsupported  take another step

Nothing else is raised by a conversation or a transport for what a device did.
"""

MOST_SAID = 400
"""Characters of a message: what a machine says of itself may be a whole reply."""


class DeviceError(Exception):
    """The device did not do what was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message if len(message) <= MOST_SAID else f"{message[:MOST_SAID]}\N{HORIZONTAL ELLIPSIS}")


class Unreachable(DeviceError):
    """No complete answer came: refused, silent, reset or cut short."""


class NotListening(Unreachable):
    """The host is up and refuses the port: nothing listens there now."""


class Garbled(DeviceError):
    """An answer came that is not of the wire's form; `payload` is what was received."""

    def __init__(self, message: str, payload: bytes = b"") -> None:
        super().__init__(message)
        self.payload = payload


class DriverBug(DeviceError):
    """A conversation failed by its own fault; the message is that of its exception, which is the cause."""


class Refused(DeviceError):
    """The device understood and declined."""


class NotPermitted(Refused):
    """Credentials or access rights are missing; `driver` names the family of a machine, or says "unknown"."""

    driver: str | None = None


class Unsupported(Refused):
    """This firmware cannot do it."""
