"""A meter's message on MQTT: bytes to one sample, strictly. `at` is the meter's own word; age goes by our clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

MOST_W = 2e9
MOST_BYTES = 4096


class BadSample(Exception):
    """A message that is no sample of a meter; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSample:
    """What a meter said once: W at the connection, imported; Wh of its register."""

    power_w: float
    energy_wh: float | None = None
    kvar: float | None = None
    export_w: float | None = None
    at: datetime | None = None


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")

    power_w: float = Field(strict=True, allow_inf_nan=False, ge=-MOST_W, le=MOST_W)
    energy_wh: float | None = Field(default=None, strict=True, allow_inf_nan=False, ge=0)
    kvar: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    export_w: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    at: AwareDatetime | None = Field(default=None, strict=True)


def parse_sample(payload: bytes, *, sign: int = 1, multiplier: float = 1.0) -> MeterSample:
    """Return the sample that a payload is, turned and scaled as the meter's configuration says. Raises BadSample."""
    if len(payload) > MOST_BYTES:
        raise BadSample(f"payload: more than {MOST_BYTES} bytes")
    try:
        told = _Payload.model_validate_json(payload)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "payload"
        raise BadSample(f"{field}: {problem['msg']}") from error
    return MeterSample(
        power_w=told.power_w * sign * multiplier,
        energy_wh=None if told.energy_wh is None else told.energy_wh * multiplier,
        kvar=None if told.kvar is None else told.kvar * multiplier,
        export_w=None if told.export_w is None else told.export_w * multiplier,
        at=told.at,
    )
