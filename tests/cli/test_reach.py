"""How the shell finds an agent, and what it says where it does not."""

import socket
from http.server import BaseHTTPRequestHandler

import pytest

from tests.cli.conftest import left_by
from tests.cli.farm import TOKEN, Farm, serving


def nobody():
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{port.getsockname()[1]}"


def test_the_only_site_of_this_host_needs_no_name(farm, say):
    assert say("status").exit_code == 0
    assert {asked.token for asked in farm.asked} == {TOKEN}


def test_of_several_sites_one_must_be_named(farm, say, tmp_path):
    left_by(farm, tmp_path / "hashwatt" / "kz-2")
    unnamed = say("status")
    assert (unnamed.exit_code, unnamed.stdout) == (2, "")
    assert "kg-1, kz-2" in unnamed.stderr
    assert say("status", "--site", "kz-2").exit_code == 0


def test_a_state_directory_may_be_given(farm, say, tmp_path):
    left_by(farm, tmp_path / "elsewhere")
    left_by(farm, tmp_path / "hashwatt" / "kz-2")
    assert say("status", "--state-dir", tmp_path / "elsewhere").exit_code == 0


def test_a_url_needs_no_state_directory_and_is_not_sent_the_token_of_another_agent(farm, say, monkeypatch):
    assert say("status", "--url", farm.url).exit_code == 0
    monkeypatch.setenv("HASHWATT_URL", farm.url + "/")
    assert say("status").exit_code == 0
    assert {asked.token for asked in farm.asked} == {None}
    assert say("status", "--token", "mine").exit_code == 0
    assert farm.asked[-1].token == "mine"


def test_without_a_token_a_change_is_refused_and_it_is_said_what_is_missing(farm, say):
    refused = say("miners", "sleep", "*", "--yes", "--url", farm.url)
    assert refused.exit_code == 1
    assert "--token" in refused.stderr


def test_an_agent_that_listens_everywhere_is_reached_on_loopback(farm, say, tmp_path):
    port = farm.url.rpartition(":")[2]
    (tmp_path / "hashwatt" / "kg-1" / "address").write_text(f"0.0.0.0:{port}\n")
    assert say("status").exit_code == 0


@pytest.mark.parametrize("command", [["status"], ["miners"], ["orders"], ["plan", "--max-import-kw", "1"]])
def test_nobody_at_the_address_is_exit_3_and_one_sentence(farm, say, command):
    away = say(*command, "--url", nobody())
    assert (away.exit_code, away.stdout) == (3, "")
    assert away.stderr.startswith("hashwatt: no agent answers at http://127.0.0.1:")
    assert away.stderr.count("\n") == 1


def test_no_state_directory_at_all_is_exit_3(process):
    away = process("status")
    assert (away.returncode, away.stdout) == (3, "")
    assert "no agent runs here" in away.stderr


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8700", "http://", "http://x:99999", "http://[::1"])
def test_what_is_no_url_is_bad_usage(farm, say, url):
    wrong = say("status", "--url", url)
    assert wrong.exit_code == 2
    assert "is no URL" in wrong.stderr


def test_a_server_that_is_no_agent_is_not_believed(say, farm):
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_of):
            return

    for stranger in serving(Farm(), Stranger):
        taken = say("status", "--url", stranger.url)
    assert taken.exit_code == 3
    assert "no Hashwatt agent" in taken.stderr


@pytest.mark.parametrize(("status", "code"), [(400, 2), (403, 1), (404, 1), (409, 1), (422, 1), (503, 1)])
def test_a_problem_document_is_one_sentence_and_an_exit_code(farm, say, status, code):
    farm.problem = (status, "no miner matches 'x'")
    refused = say("hold", "m-1", "--kind", "bench", "--by", "Aigul")
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert refused.stderr == "hashwatt: no miner matches 'x'\n"


def test_an_address_that_cannot_be_read_is_exit_3_and_says_what_else_to_do(farm, say, tmp_path):
    (tmp_path / "hashwatt" / "kg-1" / "address").write_bytes(b"\xff\xfe")
    lost = say("status")
    assert (lost.exit_code, lost.stdout) == (3, "")
    assert "give --url and --token" in lost.stderr


def test_without_a_token_that_we_may_read_reading_still_works(farm, say, tmp_path):
    (tmp_path / "hashwatt" / "kg-1" / "token").unlink()
    assert say("miners").exit_code == 0
    assert say("miners", "sleep", "*", "--yes").exit_code == 1
    assert farm.asked[-1].token is None
