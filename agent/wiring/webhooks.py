"""Where alarms are sent: the webhooks of a configuration, the secret ones followed to their addresses."""

from __future__ import annotations

from agent.config import Config

REFERENCES = ("env:", "file:", "credential:")


def webhooks_of(config: Config) -> list[str]:
    """Return the addresses of a configuration's webhooks. Raises ConfigError where a secret cannot be read."""
    return [
        config.secret(told, f"notify.webhooks.{place}").reveal() if told.startswith(REFERENCES) else told
        for place, told in enumerate(config.schema.notify.webhooks)
    ]
