"""Where the agent of a site keeps its state: a function of the environment and the site's name, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def sites_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds the state directories of this user's sites, one each, by name."""
    told = Path(environ.get("XDG_STATE_HOME", ""))
    if told.is_absolute():
        return told / "hashwatt"
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    return home / ".local" / "state" / "hashwatt"


def state_dir(site: str | None, given: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the state directory of `site`: the given one, else $STATE_DIRECTORY, else one below `sites_dir`.

    `site` None: where neither is told, `sites_dir` itself.
    """
    if given is not None:
        return given
    service = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if service:
        return Path(service)
    return sites_dir(environ) / (site or "")
