"""Who may see the page, where it is guarded by a password or a login."""

from __future__ import annotations

import hmac
import time

import streamlit as st

from client.ui.page.words import Words
from client.ui.web.services import Services

_WRONG_S = 1.0  # that a wrong password takes


def admitted(services: Services, cookie: str, words: Words) -> str | None:
    """The person whose cookie this is; None, and a form is shown, where they have yet to say who they are."""
    settings = services.settings
    if settings.login:
        return _logged_in(services, cookie, words)
    owner = services.owner(cookie)
    if owner is not None:
        return owner
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.form("gate"):
        st.subheader(words.title)
        given = st.text_input(words.password, type="password")
        if st.form_submit_button(words.enter, type="primary", width="stretch"):
            if hmac.compare_digest(given.encode(), settings.password.encode()):
                services.people.admit(cookie)
                st.rerun()
            time.sleep(_WRONG_S)
            st.error(words.wrong)
    return None


def _logged_in(services: Services, cookie: str, words: Words) -> str | None:
    """By Streamlit's own login; the routes learn of it through the cookie."""
    user = st.user
    if not user.is_logged_in:
        services.people.expel(cookie)
        _, middle, _ = st.columns([1, 2, 1])
        with middle:
            st.subheader(words.title)
            st.write(words.login_note)
            st.button(words.login, type="primary", on_click=st.login, width="stretch")
        return None
    who = f"{user.get('iss', '')} {user.get('sub', '')}"
    if services.people.login_of(cookie) != who:
        services.people.admit(cookie, who)
    return services.people.owner(cookie, open_to_all=False)
