"""The house keeps its shape: every module says what it is and is small, and a running agent loads what it needs alone.

Who may import whom is import-linter's business (`make check`).
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for room in ("agent", "drivers", "simulators") for path in (ROOT / room).rglob("*.py"))
MOST_LINES = 400
NOT_FOR_RUNNING = {"typer", "rich", "scipy", "highspy", "pymodbus", "pysnmp", "simulators", "reportlab", "PIL"}

AS_RUN = """
import json, sys
sys.argv = ["hashwatt", "run", "--config", sys.argv[1]]
from agent.cli import main
assert main() == 2
import agent.app
print(json.dumps([name for name, module in sys.modules.items() if module is not None]))
"""


def name_of(path):
    return str(path.relative_to(ROOT))


def test_there_are_modules_to_look_at():
    assert {"agent/app.py", "drivers/interface.py", "simulators/physics.py"} <= {name_of(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_a_running_agent_loads_nothing_that_it_does_not_need(tmp_path):
    """By the way that `hashwatt run` takes, as far as its configuration; then what it would build."""
    told = subprocess.run(
        [sys.executable, "-c", AS_RUN, str(tmp_path / "nowhere.toml")],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"nowhere.toml: cannot be read" in told.stderr
    modules = json.loads(told.stdout)
    assert {"agent.app", "agent.control.controller", "agent.cli.run"} <= set(modules)
    assert {name.partition(".")[0] for name in modules} & NOT_FOR_RUNNING == set()
