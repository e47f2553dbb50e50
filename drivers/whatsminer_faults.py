"""What the error codes of a WhatsMiner mean, by families of codes. Facts alone; a code that no row has is None."""

from __future__ import annotations

_FAMILIES = (
    (100, 149, "fan"),
    (200, 200, "power supply not found"),
    (201, 201, "power supply does not match"),
    (202, 202, "power supply: output voltage"),
    (203, 204, "power supply protects itself: hot"),
    (206, 206, "power supply: input voltage low"),
    (207, 207, "power supply protects itself: poor feed"),
    (205, 257, "power supply"),
    (263, 299, "power supply: warning"),
    (300, 309, "temperature sensor missing"),
    (320, 329, "temperature cannot be read"),
    (350, 359, "too hot: protects itself"),
    (360, 363, "hashboard too hot"),
    (370, 370, "ambient temperature swings"),
    (380, 383, "humidity"),
    (400, 459, "EEPROM of a hashboard"),
    (530, 539, "hashboard not found"),
    (500, 599, "hashboard"),
    (600, 600, "ambient too hot"),
    (610, 610, "ambient too hot for high power"),
    (700, 729, "control board"),
    (800, 902, "checksum or efficiency check"),
    (2000, 2000, "no pool is set"),
    (2010, 2010, "every pool is disabled"),
    (2020, 2029, "pool cannot be connected"),
    (2030, 2030, "pool rejects many shares"),
    (2040, 2050, "pool"),
    (2110, 2119, "factory test"),
    (2310, 2320, "hashrate too low"),
    (2330, 2350, "hashrate lost"),
    (5010, 5059, "chip voltage or temperature spread"),
    (5070, 5079, "water flow"),
    (5080, 5099, "calibration"),
    (5110, 5179, "chip frequency or transfer"),
    (5200, 5699, "chip"),
    (8000, 8999, "firmware or factory data"),
    (9000, 9010, "mining process died"),
    (100000, 110001, "security: update the firmware"),
)
"""From, to, words; the first that fits."""

_HOT = (range(203, 205), range(350, 364), range(600, 601))


def meaning(code: str) -> str | None:
    """Return what a code says, in a few words."""
    number = int(code) if code.isdecimal() else -1
    return next((words for first, last, words in _FAMILIES if first <= number <= last), None)


def is_heat(code: str) -> bool:
    """Whether a code means that it stands until it is cooler, and then goes on by itself."""
    return code.isdecimal() and any(int(code) in codes for codes in _HOT)
