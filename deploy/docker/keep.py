"""Prints what is installed and not named in a file: what an image can do without. Errors if a named one is missing.

python keep.py FILE
"""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


lines = Path(sys.argv[1]).read_text(encoding="ascii").split("\n")
kept = {plain(line.strip()) for line in lines if line.strip() and not line.startswith("#")}
installed = {plain(each.name) for each in distributions()}
if missing := kept - installed:
    sys.exit(f"{sys.argv[1]}: not installed: {', '.join(sorted(missing))}; is the name still in requirements.lock?")
sys.stdout.write("\n".join(sorted(installed - kept)) + "\n")
