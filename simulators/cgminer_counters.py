"""The counters that cgminer and bfgminer keep beside their rates, of the whole, of a device and of a pool."""

from __future__ import annotations

import time

from simulators.cgminer_words import BFGMINER, Program, Row

DIFFICULTY = 524_288
REJECTED_OF, STALE_OF = 400, 900
NOTICES = (
    "*Thread Fail Init",
    "*Thread Zero Hash",
    "*Thread Fail Queue",
    "*Dev Sick Idle 60s",
    "*Dev Dead Idle 600s",
    "*Dev Nostart",
    "*Dev Thermal Cutoff",
    "*Dev Throttle",
)
"""What may have befallen a device, beside heat and lost words: here none of it ever does."""


def worked(program: Program, accepted: int) -> Row:
    """Return accepted, rejected and stale shares by their difficulty: a fraction in cgminer, whole in bfgminer."""
    kinds = {"Accepted": accepted, "Rejected": accepted // REJECTED_OF, "Stale": accepted // STALE_OF}
    number = int if program is BFGMINER else float
    return {f"Difficulty {kind}": number(shares * DIFFICULTY) for kind, shares in kinds.items()}


def of_whole(program: Program, accepted: int, elapsed_s: int) -> Row:
    """Return what the summary counts of work; bfgminer counts shares of difficulty 1 too."""
    row: Row = {"Diff1 Work": accepted * DIFFICULTY} if program is BFGMINER else {}
    return {
        **row,
        "Work Utility": round(accepted * DIFFICULTY * 60 / max(elapsed_s, 1), 2),
        **worked(program, accepted),
        "Device Rejected%": 0.25,
        "Pool Rejected%": 0.25,
        "Pool Stale%": 0.11,
    }


def of_device(program: Program, accepted: int, elapsed_s: int, mean_mhs: float) -> Row:
    """Return what a device counts of work; bfgminer has a third average."""
    extra: Row = {"MHS rolling": round(mean_mhs, 3), "Stale": accepted // STALE_OF} if program is BFGMINER else {}
    return {
        **extra,
        "Last Share Pool": 0,
        "Last Share Time": int(time.time()),
        "Total MH": round(mean_mhs * elapsed_s, 4),
        "Diff1 Work": accepted * DIFFICULTY,
        "Work Utility": round(accepted * DIFFICULTY * 60 / max(elapsed_s, 1), 2),
        **worked(program, accepted),
        "Last Valid Work": int(time.time()),
        "Device Hardware%": 0.01,
        "Device Rejected%": 0.25,
    }


def of_pool(program: Program, accepted: int) -> Row:
    """Return what a pool counts of work; cgminer knows more of its stratum."""
    row: Row = {
        "Get Failures": 0,
        "Remote Failures": 0,
        "Last Share Time": int(time.time()) if accepted else 0,
        "Diff1 Shares": accepted * DIFFICULTY,
        "Proxy": "",
        **worked(program, accepted),
        "Last Share Difficulty": int(DIFFICULTY) if program is BFGMINER else float(DIFFICULTY),
        "Pool Rejected%": 0.25,
        "Pool Stale%": 0.11,
    }
    if program is BFGMINER:
        return row | {"Mining Goal": "default"}
    return row | {
        "Proxy Type": "",
        "Work Difficulty": float(DIFFICULTY),
        "Stratum Difficulty": float(DIFFICULTY),
        "Has Vmask": True,
        "Has GBT": False,
        "Bad Work": 0,
        "Current Block Height": 915_000,
        "Current Block Version": 536_870_912,
    }


def configuration(program: Program) -> Row:
    """Return the settings that a program shows beside its devices and pools."""
    if program is BFGMINER:
        return {
            "ADL": "N",
            "ADL in use": "N",
            "Log Interval": 5,
            "Device Code": "SM ",
            "Failover-Only": False,
            "ScanTime": 60,
            "Queue": 1,
            "Expiry": 120,
            "Coinbase-Sig": "(null)",
        }
    return {"PGA Count": 0, "Log Interval": 5, "Device Code": "SM ", "Hotplug": 5}
