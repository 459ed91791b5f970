"""The image's bill of materials as CycloneDX 1.6: Debian's packages, Python's, and the model's files with hashes.

python sbom.py NAME VENV MODELS
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

_DPKG = "${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"


def debian() -> Iterator[dict[str, Any]]:
    text = subprocess.run(["dpkg-query", "-W", "-f", _DPKG], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        name, version, architecture, status = line.split("\t")
        if status == "installed":
            url = f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}"
            yield {"type": "library", "name": name, "version": version, "purl": url}


def python(venv: Path) -> Iterator[dict[str, Any]]:
    for each in sorted(distributions(path=[str(path) for path in venv.glob("lib/*/*-packages")]), key=lambda x: x.name):
        name = each.name.lower().replace("_", "-")
        found = {
            "type": "library",
            "name": each.name,
            "version": each.version,
            "purl": f"pkg:pypi/{name}@{each.version}",
        }
        licence = each.metadata.get("License-Expression")
        yield {**found, "licenses": [{"expression": licence}]} if licence else found


def models(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.onnx")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name = str(path.relative_to(folder))
        yield {"type": "machine-learning-model", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}


def main(name: str, venv: str, repository: str) -> None:
    components = [*debian(), *python(Path(venv)), *models(Path(repository))]
    subject = {"component": {"type": "container", "name": name}}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": subject}
    sys.stdout.write(json.dumps({**document, "components": components}, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
