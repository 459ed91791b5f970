"""Fetching the sample: from loopback servers, out of a Debian package made here, and failures that explain."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from client.video.sample import VTEST, Sample, SampleError, fetch_sample

CONTENT = bytes(range(256)) * 4000
NOWHERE = "http://127.0.0.1:1/vtest.avi"


def sample(*urls: str, package: str = "", content: bytes = CONTENT) -> Sample:
    digest = hashlib.sha256(content).hexdigest()
    return Sample(name="vtest.avi", size=len(content), sha256=digest, urls=urls, package=package)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def server() -> Iterator[str]:
    """Serves ``/good``, ``/other`` (same size), ``/short``, ``/endless``, ``/cut`` (announces more) and 404."""
    bodies = {
        "/good": CONTENT,
        "/other": CONTENT[::-1],
        "/short": CONTENT[:1000],
        "/endless": CONTENT * 2,
        "/cut": CONTENT[:50_000],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT) if self.path == "/cut" else len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def test_file_that_is_there_is_used_without_any_source(tmp_path: Path) -> None:
    (tmp_path / "vtest.avi").write_bytes(CONTENT)
    assert fetch_sample(tmp_path, sample(NOWHERE, package="no-such-package")) == tmp_path / "vtest.avi"


def test_without_a_folder_it_is_the_users_cache(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = fetch_sample(sample=sample(f"{server}/good"))
    assert path == tmp_path / "cache/fairmot-mit/vtest.avi"
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "here") == []


@pytest.mark.parametrize("there", [None, b"", CONTENT[::-1]], ids=["missing", "empty", "another"])
def test_file_is_downloaded_where_missing_or_wrong(server: str, tmp_path: Path, there: bytes | None) -> None:
    folder = tmp_path / "new" / "samples"
    if there is not None:
        folder.mkdir(parents=True)
        (folder / "vtest.avi").write_bytes(there)
    path = fetch_sample(folder, sample(f"{server}/good"))
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["vtest.avi"]


def test_next_source_is_tried(server: str, tmp_path: Path) -> None:
    path = fetch_sample(tmp_path, sample(NOWHERE, f"{server}/missing", f"{server}/cut", f"{server}/good"))
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("other", "got another file: sha256 [0-9a-f]{64}, expected"),
        ("short", "got 1000 bytes, expected 1024000"),
        ("endless", "got more than 1024000 bytes"),
        ("cut", "got 50000 bytes, expected 1024000"),
        ("missing", "HTTP Error 404"),
    ],
)
def test_failed_download_leaves_nothing_and_says_why(server: str, tmp_path: Path, page: str, reason: str) -> None:
    url = f"{server}/{page}"
    with pytest.raises(SampleError, match=f"{url}: .*{reason}") as caught:
        fetch_sample(tmp_path, sample(url))
    assert names(tmp_path) == []
    assert f"Put the file there by hand (sha256 {sample().sha256})" in str(caught.value)


def test_every_source_is_named_with_its_reason(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # as on a system that is no Debian
    with pytest.raises(SampleError) as caught:
        fetch_sample(tmp_path / "out", sample(NOWHERE, f"{server}/missing", package="opencv-doc"))
    message = str(caught.value)
    assert f"{tmp_path}/out/vtest.avi: the sample video could not be fetched" in message
    assert f"{NOWHERE}: <urlopen error [Errno 111] Connection refused>" in message
    assert f"{server}/missing: HTTP Error 404: Not Found" in message
    assert "Debian package opencv-doc: apt-get is not installed; this is no Debian or Ubuntu" in message


def test_progress_goes_to_the_console_given(server: str, tmp_path: Path) -> None:
    text = io.StringIO()
    fetch_sample(tmp_path, sample(f"{server}/good"), Console(file=text, force_terminal=True, width=100))
    assert "vtest.avi" in text.getvalue()


# --- Debian packages ---

needs_apt = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None, reason="apt-get and dpkg-deb are missing"
)


@pytest.fixture
def apt_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on disk with the package ``mot-sample``; it is all that apt knows, and has not been read yet."""
    content = tmp_path / "package" / "usr" / "share" / "doc" / "examples"
    content.mkdir(parents=True)
    (content / "vtest.avi").write_bytes(CONTENT)
    (content / "zzz.txt").write_bytes(CONTENT)  # something behind it that is not read
    control = tmp_path / "package" / "DEBIAN" / "control"
    control.parent.mkdir()
    fields = "Package: mot-sample\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
    control.write_text(fields + "Description: sample\n")
    repository = tmp_path / "repository"
    repository.mkdir()
    deb = repository / "mot-sample_1_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(tmp_path / "package"), str(deb)]
    subprocess.run(command, check=True, capture_output=True)
    data = deb.read_bytes()
    (repository / "Packages").write_text(
        fields + f"Filename: ./{deb.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
        "Description: sample\n"
    )
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    (tmp_path / "lists").mkdir()
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "{tmp_path}/none";\n'
        f'Dir::State::Lists "{tmp_path}/lists";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    return repository


@needs_apt
def test_file_is_taken_out_of_a_package_where_apt_has_no_lists(apt_repository: Path, tmp_path: Path) -> None:
    path = fetch_sample(tmp_path / "out", sample(NOWHERE, package="mot-sample"))
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "out") == ["vtest.avi"]
    assert names(tmp_path / "lists") == [], "the system's own lists are left alone"


@needs_apt
def test_one_dead_package_source_does_no_harm(apt_repository: Path, tmp_path: Path) -> None:
    with (tmp_path / "sources.list").open("a") as sources:
        sources.write(f"deb [trusted=yes] file:{tmp_path}/gone ./\n")
    assert fetch_sample(tmp_path / "out", sample(package="mot-sample")).read_bytes() == CONTENT


@needs_apt
def test_package_that_is_not_there_is_explained(apt_repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="Debian package no-such: apt-get no-such: E: Unable to locate package"):
        fetch_sample(tmp_path / "out", sample(package="no-such"))


@needs_apt
def test_package_without_the_file_is_explained(apt_repository: Path, tmp_path: Path) -> None:
    other = Sample(name="other.avi", size=1, sha256="", urls=(), package="mot-sample")
    with pytest.raises(SampleError, match=r"mot-sample_1_all\.deb does not hold other\.avi"):
        fetch_sample(tmp_path / "out", other)


@needs_apt
def test_package_with_another_file_is_explained(apt_repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="Debian package mot-sample: got another file"):
        fetch_sample(tmp_path / "out", sample(package="mot-sample", content=CONTENT[::-1]))
    assert names(tmp_path / "out") == []


@pytest.mark.data
def test_sample_is_the_video_of_the_labels(mot_data: Path) -> None:
    assert fetch_sample(mot_data / "videos", VTEST) == mot_data / "videos" / "vtest.avi"
