"""What the embedded Triton server needs to start: its binary, a Python to run models, a model repository.

All of it is gathered as links in one private directory; nothing is written among the installed packages.
"""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from client.serving.errors import ServerError
from client.serving.served_model import CONFIG_NAME, link_repository, repository_of_graph
from client.serving.triton_wheel import WHEEL, WheelError, triton_package
from mot.contract import MODEL_NAME
from mot.files import user_cache, whole_file

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Of Triton's interfaces, those that let a visitor name files and memory of this machine. Nobody has the key of the
# first; that of the second has whoever started the server.
_CLOSED, _OURS = "trace,logging", "shared-memory"
_KEY = "mot-key"
_LIBPYTHON = f"libpython{_PYTHON}.so.1.0"


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Everything named on the server's command line."""

    binary: Path
    backends: Path
    models: Path
    environment: dict[str, str]

    def command(
        self, host: str, http_host: str, ports: tuple[int, int, int], shared_memory_prefix: str, key: str
    ) -> list[str]:
        """The command line; ``ports`` are of HTTP, gRPC and metrics; ``key`` opens shared memory to clients."""
        http_port, grpc_port, metrics_port = ports
        restricted = (f"{_CLOSED}:mot-closed={secrets.token_hex(16)}", f"{_OURS}:{_KEY}={key}")
        return [
            str(self.binary),
            f"--model-repository={self.models}",
            f"--model-config-name={CONFIG_NAME}",
            f"--backend-directory={self.backends}",
            f"--backend-config=python,shm-region-prefix-name={shared_memory_prefix}",
            # Room for an image and its answer, so that no region has to grow in the first requests.
            f"--backend-config=python,shm-default-byte-size={2 << 20}",
            f"--http-address={http_host}",
            f"--http-port={http_port}",
            f"--grpc-address={host}",
            f"--grpc-port={grpc_port}",
            f"--metrics-address={host}",
            f"--metrics-port={metrics_port}",
            "--model-control-mode=none",
            *(f"--http-restricted-api={each}" for each in restricted),
            *(f"--grpc-restricted-protocol={each}" for each in restricted),
            "--allow-gpu-metrics=false",
            "--metrics-config=summary_latencies=true",  # percentiles, for the page
            "--disable-auto-complete-config",
            "--exit-timeout-secs=5",
        ]


def key_headers(key: str) -> tuple[tuple[str, str], ...]:
    """What a client sends with every call to share memory: over HTTP the first, over gRPC the second."""
    return (_KEY, key), (f"triton-grpc-protocol-{_KEY}", key)


def build_runtime(
    folder: Path, model_repository: Path, instances: int, *, model: str = MODEL_NAME, graph: Path | None = None
) -> Runtime:
    """Gather the server's parts in a private folder.

    Args:
        folder: where the links go.
        model_repository: holds the model's directory; it is left as it is.
        instances: processes that run the model at the same time.
        model: its name.
        graph: an ONNX file to be served under that name instead of the repository's model.

    Raises:
        ServerError: the platform is unsupported, or the wheel, libpython or a file of the model is missing.
        MotError: there is no such model, or it cannot be read.
    """
    triton, libraries = find_triton()
    stub = triton / "python_backend_stubs" / _PYTHON / "triton_python_backend_stub"
    if not stub.is_file():
        offered = ", ".join(sorted(path.name for path in stub.parents[1].iterdir()))
        raise ServerError(
            f"the embedded Triton server runs Python {offered}, not {_PYTHON}; "
            "use one of those, or --engine local, or a Triton server elsewhere (--url)"
        )
    backend = folder / "backends" / "python"
    library = folder / "lib"
    for directory in (backend, library):
        directory.mkdir(parents=True)
    for part in (*(triton / "backends" / "python").glob("*triton_python*"), stub):
        (backend / part.name).symlink_to(part)
    (library / _LIBPYTHON).symlink_to(find_libpython())
    if graph is not None:
        models = repository_of_graph(folder / "models", graph, model, instances)
    else:
        models = link_repository(folder / "models", model_repository, model, instances)
    return Runtime(
        binary=triton / "bin" / "tritonserver",
        backends=backend.parent,
        models=models,
        environment=_environment(library, libraries),
    )


def find_triton(cache: Path | None = None) -> tuple[Path, Path]:
    """The wheel's server directory and its shared libraries.

    Args:
        cache: where a fetched wheel is kept; by default the user's cache.

    Raises:
        ServerError: this is not Linux on x86-64, or the wheel is neither installed nor can be fetched.
    """
    here = f"{sys.platform} {platform.machine()}"
    if here != "linux x86_64":
        raise ServerError(
            f"the embedded Triton server needs Linux on x86-64, not {here}; "
            "use --engine local, or a Triton server elsewhere (--url)"
        )
    try:
        package = triton_package(cache or user_cache())
    except WheelError as error:
        raise ServerError(
            f"the embedded Triton server is not installed, and could not be fetched ({error}); "
            f"{sys.executable} -m pip install --no-deps {WHEEL} (--no-deps because only its binary is used), "
            "or use --engine local, or a Triton server elsewhere (--url)"
        ) from error
    return package / "tritonserver", package.parent / "nvidia_pytriton.libs"


def find_libpython(directories: Iterable[Path] | None = None, cache: Path | None = None) -> Path:
    """The shared library of this Python version, which the server's model processes load.

    Debian and Ubuntu keep it in a package of its own; where it is missing, that package's file is fetched
    into the user's cache, without root.

    Args:
        directories: where to look; by default this Python's library directory and the system's.
        cache: where a fetched file is kept.

    Raises:
        ServerError: it is neither installed nor can be fetched.
    """
    cache = cache or user_cache()
    if directories is None:
        directories = (
            Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib"),
            Path(sys.base_prefix) / "lib",
            *map(Path, ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")),
        )
    for directory in (*directories, cache):
        if (directory / _LIBPYTHON).is_file():
            return (directory / _LIBPYTHON).resolve()
    try:
        _fetch_libpython(cache / _LIBPYTHON)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(
            f"{_LIBPYTHON} is missing, which the embedded Triton server needs, and could not be fetched ({error}); "
            f"install it (Debian, Ubuntu: apt-get install libpython{_PYTHON}), or use --engine local"
        ) from error
    return cache / _LIBPYTHON


def _fetch_libpython(target: Path) -> None:
    """Take the library out of the distribution's package; apt checks the package's signature."""
    package = f"libpython{_PYTHON}"
    with tempfile.TemporaryDirectory(prefix="mot-libpython-") as name:
        folder = Path(name)
        try:
            _quietly(["apt-get", "download", package], folder)
        except subprocess.CalledProcessError:
            _quietly(["apt-get", "download", f"{package}t64"], folder)  # its name since Ubuntu 24.04
        _quietly(["dpkg-deb", "-x", *(path.name for path in folder.glob("*.deb")), "tree"], folder)
        found = next((path for path in folder.glob(f"tree/**/{target.name}") if path.is_file()), None)
        if found is None:
            raise FileNotFoundError(f"{package} holds no {target.name}")
        with whole_file(target) as temporary:
            shutil.copyfile(found, temporary)


def _quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=120, capture_output=True)


def _environment(library: Path, wheel_libraries: Path) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    # The model's processes take their packages from the first python3 on PATH: this one's.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment["LD_LIBRARY_PATH"] = f"{wheel_libraries}{os.pathsep}{library}"
    environment["CUDA_VISIBLE_DEVICES"] = ""  # the model runs on the CPU; claim no GPU memory
    return environment
