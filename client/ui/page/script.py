"""What Streamlit runs for every view and every click."""

from client.ui.page.show import show

show()
