"""Captures as they lie on disk: one machine a JSON file, one program's exact bytes a folder."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

INDEX = "INDEX.read.tsv"
API_PORT = 4028
_ROW = re.compile(rb"^([^\t\n]+)\t(.*?)\t(\d+)\t([0-9a-f]*)\t\d+\t\w*\t[\d.]+ms\t?[\w-]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One machine: what it answered by request, and what a reader must find in that."""

    name: str
    recorded: bool  # of a real machine, as far as its own file says
    behind_login: bool  # its pages are shown to who can answer a digest challenge
    in_frames: bool  # its API port speaks lengths and as many bytes
    on_api_port: bool  # its pages stand where others have their API
    replies: dict
    expected: dict
    alternatives: dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One request and the bytes that came until the program closed."""

    name: str
    request: bytes
    reply: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One program's exchanges."""

    name: str
    exchanges: list


def devices(root):
    """Return every machine below a folder; raises ValueError, KeyError or TypeError for what is none."""
    return [_device(path, str(path.relative_to(root))) for path in sorted(root.rglob("*.json"))]


def _device(path, name):
    told = json.loads(path.read_text(encoding="utf-8"))
    return Device(
        name=name,
        recorded=told.get("kind", "recorded") == "recorded",
        behind_login=told["transport"]["api"] not in {"http-json", "graphql"},
        in_frames=told["transport"]["api"] == "whatsminer-v3",
        on_api_port=told["transport"]["api"] == "http-json" and told["transport"]["port"] == API_PORT,
        replies=told["replies"],
        expected=told["expected"],
        alternatives=told.get("alternatives") or {},
    )


def folders(root):
    """Return every folder of exact bytes below a folder."""
    return [_folder(path.parent, str(path.parent.relative_to(root))) for path in sorted(root.rglob(INDEX))]


def _folder(path: Path, name):
    exchanges = []
    for index in sorted(path.glob("INDEX.*.tsv")):
        for told, request, size, _last in _ROW.findall(index.read_bytes()):
            file = path / f"{told.decode()}.bin"
            reply = file.read_bytes()
            if len(reply) != int(size):
                raise ValueError(f"{file}: {len(reply)} bytes, the index says {int(size)}")
            exchanges.append(Exchanged(name=told.decode(), request=request, reply=reply))
    return Folder(name=name, exchanges=exchanges)
