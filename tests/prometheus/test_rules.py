"""The rules that are delivered: promtool understands them, they fire where they must, by metrics that there are."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "deploy" / "prometheus").glob("*.rules.yml"))
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "hashwatt.json").read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "agent" / "outputs").glob("*.py"))
PREFIXES = ("", "hashwatt_", "hashwatt_site_", "hashwatt_meter_", "hashwatt_feeder_")


def told(*arguments):
    said = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    return said.returncode, said.stdout + said.stderr


def test_promtool_understands_the_rules_and_each_alert_fires_where_it_must():
    assert [path.name for path in RULES] == ["alerts.rules.yml", "recording.rules.yml"]
    code, said = told("check", "rules", *RULES)
    assert code == 0, said
    code, said = told("test", "rules", Path(__file__).with_name("alerts_test.yml"))
    assert code == 0, said


def test_promtool_understands_what_the_dashboard_asks(tmp_path):
    asked = [{"record": f"panel:{at}:asked", "expr": expr} for at, expr in enumerate(EXPRESSIONS)]
    (tmp_path / "asked.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": asked}]}))
    code, said = told("check", "rules", tmp_path / "asked.yml")
    assert code == 0, said


@pytest.mark.pure
def test_every_alert_is_tried():
    alerts = re.findall(r"- alert: (\w+)", "\n".join(path.read_text(encoding="utf-8") for path in RULES))
    tried = Path(__file__).with_name("alerts_test.yml").read_text(encoding="utf-8")
    assert len(alerts) == len(set(alerts)) > 20
    assert [alert for alert in alerts if f"alertname: {alert}" not in tried] == []


@pytest.mark.pure
def test_every_metric_that_a_rule_or_panel_names_is_one_of_the_agents():
    texts = [*(path.read_text(encoding="utf-8") for path in RULES), *EXPRESSIONS]
    named = {name for text in texts for name in re.findall(r"(?<![:\w])hashwatt_[a-z_]+", text)}
    assert len(named) > 20
    assert sorted(name for name in named if not _is_told(name)) == []


def _is_told(name):
    words = {name.removeprefix(prefix) for prefix in PREFIXES}
    return any(f'"{word}"' in SOURCES for word in words | {word.removesuffix("_total") for word in words})
