"""Where page and API of a running agent are, told in its state directory to the commands of its host."""

from __future__ import annotations

from pathlib import Path


def tell_address(state_dir: Path, address: str) -> None:
    """Write `state_dir`/address whole at once: whoever sees the file can read it. Raises OSError."""
    made = state_dir / "address.new"
    made.write_text(f"{address}\n", encoding="utf-8")
    made.replace(state_dir / "address")
