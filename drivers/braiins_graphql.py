"""What a Braiins OS machine is asked and told in GraphQL, and the complaint in an answer: 200 is no success."""

from __future__ import annotations

from drivers.figures import words

SYSTEM = (
    "{ bos { hostname faultLight info { version { full } } uptime { durationS } } bosminer { info { modelName"
    " workSolver { realHashrate { mhs5S } nominalMhs } fans { name speed rpm }"
    " summary { tunerStatus power { limitW approxConsumptionW } } } } }"
)
BOARDS = (
    "{ bosminer { info { workSolver { childSolvers { name realHashrate { mhs5S } nominalMhs"
    " hwDetails { chips frequencyMhz voltageV } temperatures { name degreesC } } } } } }"
)
POOLS = (
    "{ bosminer { info { poolGroups { name pools { url user status active"
    " shares { acceptedSolutions rejectedSolutions } } } } } }"
)
EVENTS = "{ events { appeals { id kind message timestamp } } }"
TARGETS = "{ bosminer { metadata { autotuning { powerTarget { default min max } } } } }"
_DONE = "{ ... on VoidResult { void } ... on BosminerError { message } ... on BosError { message } }"
REBOOT = f"mutation {{ bos {{ reboot {_DONE} }} }}"
LOGIN = (
    "mutation ($username: String!, $password: String!) { auth { login(username: $username,"
    " password: $password) { ... on VoidResult { void } ... on AuthError { message } } } }"
)
TARGET = "bosminer.metadata.autotuning.powerTarget"


def switching(verb: str) -> str:
    """Return what stops or starts mining."""
    return f"mutation {{ bosminer {{ {verb} {_DONE} }} }}"


def lighting(*, on: bool) -> str:
    """Return what switches the light."""
    return f"mutation {{ bos {{ setFaultLight(enable: {str(on).lower()}) {{ enabled }} }} }}"


def targeting(limit_w: int) -> str:
    """Return what sets the power target, W."""
    return (
        "mutation { bosminer { config { updateAutotuning(input: { powerTarget: " + str(limit_w) + " }, apply: true)"
        " { ... on AutotuningOut { autotuning { powerTarget enabled } } ... on AutotuningError { message powerTarget }"
        " ... on AttributeError { message } } } } }"
    )


def complaint(told: object) -> str | None:
    """Return the first complaint in an answer: a member `message` is one, wherever it stands."""
    if isinstance(told, dict):
        said = words(told.get("message"))
        return said or next((found for value in told.values() if (found := complaint(value)) is not None), None)
    return None
