"""Who may do what, and where tokens come from."""

import hashlib
import re
import stat

import pytest

from agent.outputs.http.access import Access, Caller, Forbidden, Need, Role, Token, Tokens, Unknown
from agent.outputs.http.tokens import local_token, make_local_token, parse_tokens

ACCESS = Access(
    public_read=True,
    tokens=Tokens(tokens=tuple(Token.of(f"t-{role.value}", name=role.value, role=role) for role in Role)),
)


def caller(token=None, *, peer="127.0.0.1", host="127.0.0.1:8700", foreign=False) -> Caller:
    return Caller(peer=peer, host=host, foreign=foreign, authorization=None if token is None else f"Bearer {token}")


@pytest.mark.pure
@pytest.mark.parametrize(
    ("need", "allowed"),
    [
        (Need.READ, {Role.VIEWER, Role.OPERATOR, Role.ORDERER}),
        (Need.OPERATE, {Role.OPERATOR}),
        (Need.ORDER, {Role.OPERATOR, Role.ORDERER}),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_it_is_for_and_nothing_else(need, allowed, role):
    if role in allowed:
        token = ACCESS.admit(need, caller(f"t-{role.value}", peer="203.0.113.9"))
        assert token is not None
        assert token.role is role
    else:
        with pytest.raises(Forbidden):
            ACCESS.admit(need, caller(f"t-{role.value}"))


@pytest.mark.pure
@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost", "[::1]:8700", "127.1.2.3"])
def test_reading_is_open_to_this_host_by_its_own_name(host):
    assert ACCESS.admit(Need.READ, caller(host=host)) is None


@pytest.mark.pure
@pytest.mark.parametrize(
    "stranger",
    [
        caller(peer="203.0.113.9"),
        caller(peer=None),
        caller(foreign=True),
        caller(host="evil.example:8700"),
        caller(host=""),
        caller(host="127.0.0.1.evil.example"),
    ],
)
def test_reading_is_not_open_to_the_network_a_proxy_or_a_page_that_was_led_here(stranger):
    with pytest.raises(Unknown):
        ACCESS.admit(Need.READ, stranger)


@pytest.mark.pure
def test_reading_is_closed_where_it_is_not_public():
    with pytest.raises(Unknown):
        Access(public_read=False, tokens=Tokens()).admit(Need.READ, caller())


@pytest.mark.pure
@pytest.mark.parametrize("need", [Need.OPERATE, Need.ORDER])
def test_what_changes_something_needs_a_token_on_loopback_too(need):
    with pytest.raises(Unknown):
        ACCESS.admit(need, caller())


@pytest.mark.pure
@pytest.mark.parametrize("need", [Need.READ, Need.OPERATE])
@pytest.mark.parametrize(
    "authorization", ["Bearer wrong", "Bearer ", "Basic t-operator", "t-operator", "", "Bearer t-ope\udcffrator"]
)
def test_a_wrong_token_is_worse_than_none(need, authorization):
    asks = Caller(peer="127.0.0.1", host="localhost", foreign=False, authorization=authorization)
    with pytest.raises(Unknown):
        ACCESS.admit(need, asks)


@pytest.mark.pure
def test_no_secret_shows():
    assert "t-operator" not in repr(ACCESS)
    assert "t-operator" not in repr(caller("t-operator"))


def test_the_local_token_is_for_its_owner_alone_and_new_each_time(tmp_path):
    first = make_local_token(tmp_path)
    second = make_local_token(tmp_path)
    assert first != second
    kept = tmp_path / "token"
    assert kept.read_text().strip() == second
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [kept]
    found = Tokens(tokens=(local_token(second),)).find(second)
    assert found is not None
    assert (found.name, found.role) == ("local", Role.OPERATOR)


HASH = hashlib.sha256(b"secret").hexdigest()
ROW = f'[[token]]\nsha256 = "{HASH}"\nname = "grafana"\nrole = "viewer"\n'


@pytest.mark.pure
def test_a_token_file_names_hash_name_and_role():
    (token,) = parse_tokens(ROW)
    assert (token.name, token.role) == ("grafana", Role.VIEWER)
    assert Tokens(tokens=(token,)).find("secret") is token
    assert Tokens(tokens=(token,)).find(HASH) is None


@pytest.mark.pure
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[token", "no TOML"),
        ("", "token: Field required"),
        (ROW.replace("viewer", "root"), "token.0.role"),
        (ROW.replace(HASH, "secret"), "token.0.sha256"),
        (ROW + 'note = "x"\n', "token.0.note"),
        (ROW + ROW, "token grafana: its name and its sha256 must be its own"),
        (ROW + ROW.replace("grafana", "other"), "token grafana: its name and its sha256 must be its own"),
        (ROW.replace("grafana", "local"), "token local: its name"),
    ],
)
def test_a_mistake_in_a_token_file_is_named_without_its_secret(text, says):
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        parse_tokens(text)
    assert "secret" not in str(error.value)
