"""Where the daemon may listen, and with which token."""

from __future__ import annotations

from pathlib import Path

import pytest

from pastiche_daemon.auth import check_exposure, is_loopback, new_token

TOKEN = "t" * 16
CERTIFICATE, KEY = Path("server.pem"), Path("server.key")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_nothing(host: str) -> None:
    assert is_loopback(host)
    check_exposure(host, None, None, None)
    check_exposure(host, TOKEN, CERTIFICATE, KEY)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "", "127.1"])
def test_other_addresses_need_tls_and_a_token(host: str) -> None:
    assert not is_loopback(host)
    check_exposure(host, TOKEN, CERTIFICATE, KEY)
    with pytest.raises(ValueError, match="TLS certificate"):
        check_exposure(host, TOKEN, None, None)
    with pytest.raises(ValueError, match="token of your own"):
        check_exposure(host, None, CERTIFICATE, KEY)


@pytest.mark.parametrize(("certificate", "key"), [(CERTIFICATE, None), (None, KEY)])
def test_certificate_and_key_belong_together(certificate: Path | None, key: Path | None) -> None:
    with pytest.raises(ValueError, match="together"):
        check_exposure("127.0.0.1", TOKEN, certificate, key)


@pytest.mark.parametrize(
    "token", ["", "short", "with space in between", "ünprintable-täken", "a\n" * 20]
)
def test_weak_tokens_are_refused(token: str) -> None:
    with pytest.raises(ValueError, match="the token must have"):
        check_exposure("127.0.0.1", token, None, None)


def test_random_tokens_are_good_and_differ() -> None:
    first, second = new_token(), new_token()
    assert first != second
    for token in (first, second):
        check_exposure("0.0.0.0", token, CERTIFICATE, KEY)
