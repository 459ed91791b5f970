"""What people do to their jobs."""

from __future__ import annotations

import streamlit as st

from client.ui.page.view import View
from client.ui.store.jobs import Job
from client.ui.store.pruning import delete_job as forget


def delete_job(view: View, job: Job) -> None:
    """A button that asks once more."""
    words = view.words
    with st.popover(words.delete, icon=":material/delete:", key=f"sure-{job.id}"):
        st.write(words.delete_sure)
        if st.button(words.delete, key=f"delete-{job.id}", type="primary"):
            forget(view.services.database, view.services.settings, view.owner, job)
            if st.query_params.get("job") == job.id:
                del st.query_params["job"]
            st.rerun()
