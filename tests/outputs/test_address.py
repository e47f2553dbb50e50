"""Where a running agent is, as its host's commands find it."""

from pathlib import Path

from agent.outputs.http.address import tell_address


def test_the_file_is_there_only_with_its_text(tmp_path, monkeypatch):
    seen = []

    def write(file, text, **how):
        seen.append(file.name == "address")  # it would be there before its text
        with file.open("w", **how) as opened:
            return opened.write(text)

    monkeypatch.setattr(Path, "write_text", write)
    tell_address(tmp_path, "127.0.0.1:8700")
    assert seen == [False]
    assert [file.name for file in tmp_path.iterdir()] == ["address"]
    assert (tmp_path / "address").read_text() == "127.0.0.1:8700\n"
