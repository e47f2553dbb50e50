import pytest

from drivers.transports.http_logins import Login, asks_for_basic, digest_of

pytestmark = pytest.mark.pure

RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def signed(challenge, password="Circle of Life", cnonce=CNONCE):
    digest = digest_of([challenge])
    return digest.sign(Login("Mufasa", password), "GET", "/dir/index.html", cnonce)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_standards_own_examples_come_out(algorithm, response):
    header = signed(RFC_7616.format(algorithm))
    assert f'response="{response}"' in header
    assert f"algorithm={algorithm}, qop=auth, nc=00000001" in header
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in header


def test_the_example_of_the_older_standard_comes_out():
    challenge = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    header = signed(challenge, "Circle Of Life", "0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in header
    assert "algorithm" not in header


def test_a_server_without_a_quality_of_protection_is_answered_as_of_old():
    header = signed('Digest realm="r", nonce="n"')
    assert "qop" not in header
    assert "cnonce" not in header


def test_requests_of_one_challenge_are_counted():
    digest = digest_of(['Digest realm="r", nonce="n", qop="auth"'])
    headers = [digest.sign(Login("u", "p"), "GET", "/", "c") for _ in range(3)]
    assert [f"nc=0000000{n}" in header for n, header in enumerate(headers, 1)] == [True] * 3
    assert len({header.partition('response="')[2] for header in headers}) == 3


def test_quotes_in_a_realm_come_back_quoted():
    assert 'realm="a \\"b\\" c"' in signed('Digest realm="a \\"b\\" c", nonce="n"')


@pytest.mark.parametrize(
    "challenge",
    [
        "Digest",
        "Digest realm",
        'Digest realm="x", nonce=""',
        'Digest nonce="n"',
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x", nonce="n", algorithm=ODD',
        "Basic",
        "Negotiate x",
        "",
    ],
)
def test_a_challenge_that_cannot_be_answered_is_none(challenge):
    assert digest_of([challenge]) is None


def test_of_several_challenges_the_first_that_can_be_answered_is():
    challenges = ['Digest realm="x", nonce="n", algorithm=ODD', 'Basic realm="x"', 'Digest realm="y", nonce="n"']
    assert digest_of(challenges).realm == "y"
    assert asks_for_basic(challenges)
