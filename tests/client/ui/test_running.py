"""client.ui.running: what is said before the page starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.ui.running import keep_page
from client.ui.settings import Settings, SettingsError


@pytest.mark.parametrize("secrets", [None, "[other]\nkey = 'value'\n"])
def test_logins_without_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrets: str | None) -> None:
    from streamlit.runtime.secrets import Secrets

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("streamlit.runtime.secrets.secrets_singleton", Secrets())
    if secrets is not None:
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit/secrets.toml").write_text(secrets)
    with pytest.raises(SettingsError, match=r"--login needs an \[auth\] section in .*secrets\.toml"):
        keep_page(Settings(data=tmp_path / "data", login=True))


def test_a_base_path_without_a_slash(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--base-path is 'mot', but must begin with /"):
        keep_page(Settings(data=tmp_path / "data", base_path="mot"))
