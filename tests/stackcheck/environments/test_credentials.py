from __future__ import annotations

import pytest

from stackcheck.environments.credentials import (
    authorization,
    hide_credentials,
    split_credentials,
    without_credentials,
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_an_address_is_told_from_its_user_and_password():
    assert split_credentials("https://me:p%40ss@host:8443/simple") == (
        "https://host:8443/simple",
        "me",
        "p@ss",
    )
    assert split_credentials("https://host/a@b") == ("https://host/a@b", "", "")


@pytest.mark.parametrize(
    ("text", "written", "shown"),
    [
        (
            "at https://me:x@host/simple/ now",
            "at https://host/simple/ now",
            "at https://****@host/simple/ now",
        ),
        (
            "https://host/t/tk-123/forge/linux-64",
            "https://host/forge/linux-64",
            "https://host/t/****/forge/linux-64",
        ),
        ("https://h/conda/t/tk/forge", "https://h/conda/forge", "https://h/conda/t/****/forge"),
        ("/home/t/me/env: not empty", "/home/t/me/env: not empty", "/home/t/me/env: not empty"),
        (
            "mail me@example.org about /t/",
            "mail me@example.org about /t/",
            "mail me@example.org about /t/",
        ),
    ],
)
def test_credentials_are_left_out_of_files_and_starred_out_of_messages(text, written, shown):
    assert without_credentials(text) == written
    assert hide_credentials(text) == shown


def test_the_user_s_settings_have_the_password_of_a_server(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://me:word@one.example/simple")
    monkeypatch.setenv("UV_INDEX", "own=https://two.example/simple")
    monkeypatch.setenv("UV_INDEX_OWN_USERNAME", "you")
    monkeypatch.setenv("UV_INDEX_OWN_PASSWORD", "secret")

    assert authorization("https://one.example/files/a.whl") == {
        "Authorization": "Basic bWU6d29yZA=="
    }
    assert authorization("https://two.example/files/a.whl") == {
        "Authorization": "Basic eW91OnNlY3JldA=="
    }
    assert authorization("https://three.example/files/a.whl") == {}


def test_a_netrc_file_has_it_otherwise(monkeypatch, tmp_path):
    (tmp_path / "other").write_text("machine four.example login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "other"))

    assert authorization("https://four.example/a.whl") == {"Authorization": "Basic bWU6d29yZA=="}
