"""What a WhatsMiner can be told, whichever API version tells it: by its model, within what its maker sold."""

from __future__ import annotations

import re

from drivers.errors import Unsupported
from drivers.interface import (
    Abilities,
    Command,
    LimitPower,
    Locate,
    LowAbility,
    PowerRange,
    Reboot,
    Restart,
    SetMode,
    Sleep,
    SleepAbility,
    Wake,
)
from drivers.models import Model

STANDBY_W = 45.0
"""What one draws switched off where its model's row does not say: control board and supply."""
SETTLE_S, WAKE_S, BOOT_S = 60.0, 900.0, 120.0
LOW_POWER, LOW_HASHRATE = 0.8, 0.85
"""Shares of full in the low power mode where the model's row does not say; rough: readings tell."""
LEAST_SHARE = 0.6
"""A limit below this share of nominal is not asked for: the machine may not come up again."""
LIMITS_FROM = (2, 0, 5)
"""The API version that has power limits."""

_DIGITS = re.compile(r"\d+")


def model_name(reported: str | None) -> str | None:
    """Write a model as the table does: M30S_VE43 is an M30SVE40, whose last digit is the batch."""
    if reported is None:
        return None
    plain = reported.replace("_", "")
    return f"{plain[:-1]}0" if "V" in plain and plain[-1].isdigit() else plain


def abilities_of(api: str | None, model: Model | None) -> Abilities:
    """Return what the API version has; a machine without one is too old to be told anything."""
    if api is None:
        return Abilities(boot_s=BOOT_S)
    version = tuple(int(part) for part in _DIGITS.findall(api))
    power_w = None if model is None or version < LIMITS_FROM else model.power_w
    return Abilities(
        sleep=_sleep(model),
        power_limit=None
        if power_w is None
        else PowerRange(least_w=float(round(LEAST_SHARE * power_w)), most_w=power_w),
        low=_low(model),
        restart=True,
        reboot=True,
        locate=True,
        boot_s=BOOT_S,
    )


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S)


def _low(model: Model | None) -> LowAbility:
    power = None if model is None else model.low_power
    hashrate = None if model is None else model.low_hashrate
    return LowAbility(power_share=power or LOW_POWER, hashrate_share=hashrate or LOW_HASHRATE)


def require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    match command:
        case LimitPower(limit_w=limit_w):
            within = abilities.power_limit
            has = within is not None and within.least_w <= limit_w <= within.most_w
        case SetMode(mode=mode):
            has = abilities.low is not None and mode in {"full", "low"}
        case Sleep() | Wake():
            has = abilities.sleep is not None
        case Restart() | Reboot() | Locate():
            has = abilities.reboot
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
