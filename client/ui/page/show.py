"""The page: its frame, who may see it, and which view the address asks for."""

from __future__ import annotations

from html import escape

import streamlit as st

from client.ui.page.gate import admitted
from client.ui.page.home import show_home
from client.ui.page.job import show_job
from client.ui.page.panel import show_panel
from client.ui.page.phrases import WORDS, language_of
from client.ui.page.view import View
from client.ui.page.words import Language
from client.ui.store.database import StoreError
from client.ui.store.people import COOKIE
from client.ui.web.services import services

STYLE = """
.block-container { max-width: 62rem; padding-top: 2.2rem; padding-bottom: 4rem; }
.mot-head { font-size: 1.9rem; font-weight: 700; line-height: 1.2; margin: 0; }
.mot-head a { color: inherit; text-decoration: none; }
.mot-soft { opacity: .7; margin: .3rem 0 0; }
.mot-step { font-size: 1.15rem; font-weight: 600; margin: 1.4rem 0 .1rem; }
.mot-table { overflow-x: auto; } .mot-table table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.mot-table th, .mot-table td { padding: .3rem .9rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid rgba(128,128,128,.3); }
.mot-table th:first-child, .mot-table td:first-child { text-align: left; padding-left: 0; }
.mot-table th { opacity: .7; font-weight: 600; }
.mot-thumb { width: 100%; aspect-ratio: 16/9; object-fit: cover; border-radius: .5rem;
  background: #0002; display: block; }
.mot-link { display: inline-block; min-width: 16rem; padding: .45rem .9rem; border-radius: .6rem;
  color: inherit !important; border: 1px solid rgba(128,128,128,.35); text-decoration: none !important; }
.mot-link:hover, .mot-link:focus-visible { border-color: currentColor; }
.mot-picture { width: 100%; border-radius: .8rem; display: block; }
@media (max-width: 640px) { .block-container { padding-left: 1rem; padding-right: 1rem; padding-top: 1.2rem; }
  .mot-head { font-size: 1.5rem; } }
"""


def show() -> None:
    """Draw the page."""
    language = _language()
    words = WORDS[language]
    st.set_page_config(page_title=words.title, page_icon="🚶", layout="wide", initial_sidebar_state="collapsed")
    st.html(f"<style>{STYLE}</style>")
    own = services()
    cookie = st.context.cookies.get(COOKIE)
    if cookie is None or not own.people.valid(cookie):
        st.error(words.no_cookie)
        return
    try:
        owner = admitted(own, cookie, words)
        if owner is not None:
            _show_view(View(services=own, owner=owner, cookie=cookie, language=language))
    except StoreError:
        st.error(words.error_disk_full, icon=":material/error:")


def _show_view(view: View) -> None:
    _show_head(view)
    job = st.query_params.get("job")
    if job:
        show_job(view, job)
    else:
        show_home(view)


def _language() -> Language:
    return language_of(st.query_params.get("lang"), st.context.locale)


def _show_head(view: View) -> None:
    words = view.words
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.html(f'<h1 class="mot-head">{escape(words.title)}</h1><p class="mot-soft">{escape(words.claim)}</p>')
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        other: Language = "en" if view.language == "zh" else "zh"
        if st.button("English" if other == "en" else "中文", key="language", type="tertiary"):
            st.query_params["lang"] = other
            st.rerun()
        show_panel(view)
        if view.services.settings.login and st.button(words.logout, key="logout", type="tertiary"):
            view.services.people.expel(view.cookie)
            st.logout()
