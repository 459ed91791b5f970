"""What people do to their jobs."""

from __future__ import annotations

import streamlit as st

from client.ui.page.view import View
from client.ui.store.jobs import Job
from client.ui.store.pruning import remove_job_files


def delete_job(view: View, job: Job) -> None:
    """A button that asks once more."""
    words = view.words
    with st.popover(words.delete, icon=":material/delete:", key=f"sure-{job.id}"):
        st.write(words.delete_sure)
        if st.button(words.delete, key=f"delete-{job.id}", type="primary"):
            if view.services.jobs.delete(view.owner, job.id):
                remove_job_files(view.services.database, view.services.settings, job.id, job.upload)
            if st.query_params.get("job") == job.id:
                del st.query_params["job"]
            st.rerun()
