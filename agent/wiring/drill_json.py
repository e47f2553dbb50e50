"""Drills as they are shown: what one would do, how it goes, what was measured. Joins control with outputs."""

from __future__ import annotations

from typing import Any

from agent.control.drill import Group
from agent.control.drill_desk import Course, DrillDesk, DrillPlan
from agent.facts.drill import ModelMeasured
from agent.fleet.fleet import Fleet
from agent.values import rfc3339


def plan_json(plan: DrillPlan, fleet: Fleet) -> dict[str, Any]:
    """Return what a drill would do; `against` is why it may not, None where it may."""
    return {
        "feeder": plan.feeder,
        "percent": plan.percent,
        "meter": None if plan.gauge is None else plan.gauge.id,
        "groups": [_group(group, fleet) for group in plan.groups],
        "left_out": dict(plan.left_out),
        "lasts_s": round(plan.lasts_s),
        "against": plan.against,
    }


def drill_json(desk: DrillDesk, fleet: Fleet) -> dict[str, Any]:
    """Return the drill that goes or went last, and every figure that is in force."""
    course = desk.course
    return {
        "drill": None if course is None else _course(course, desk, fleet),
        "figures": [figures_json(one) for one in desk.figures()],
    }


def _group(group: Group, fleet: Fleet) -> dict[str, Any]:
    return {
        "model": group.model,
        "driver": group.driver,
        "miners": [fleet.miners[row].id for row in group.rows],
        "alike": group.alike,
        "levels": list(group.levels),
    }


def _course(course: Course, desk: DrillDesk, fleet: Fleet) -> dict[str, Any]:
    one = desk.one
    return {
        "feeder": course.plan.feeder,
        "percent": course.plan.percent,
        "meter": None if course.plan.gauge is None else course.plan.gauge.id,
        "by": course.by,
        "since": rfc3339(course.since),
        "state": "going" if course.ended is None else "stopped" if course.reason else "done",
        "reason": course.reason,
        "group": course.at,
        "level": None if one is None else one.level,
        "doing": None if one is None else one.doing,
        "stage": None if one is None else len(one.done),
        "stages": None if one is None else len(one.stages),
        "groups": [
            {**_group(group, fleet), "failure": course.failures.get(at)} for at, group in enumerate(course.plan.groups)
        ],
        "measured": [figures_json(found) for found in course.measured],
    }


def figures_json(one: ModelMeasured) -> dict[str, Any]:
    """Return what was measured of a model."""
    return {
        "model": one.model,
        "driver": one.driver,
        "machines": one.machines,
        "feeder": one.feeder,
        "meter": one.meter,
        "at": rfc3339(one.at),
        "nominal_w": round(one.nominal_w, 1),
        "levels_w": one.levels_w,
        "error_w": one.error_w,
        "standby_by": one.standby_by,
        "sleep_s": one.sleep_s,
        "wake_s": one.wake_s,
    }
