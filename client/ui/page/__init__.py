"""What a person sees: the script that Streamlit runs, its parts and its words."""
