"""The page's web server: Streamlit, with routes of our own for uploads, results and previews."""
