"""How fast are exported graphs, and what makes them so?

    make plugin                                        # for the lines with the plugin
    python tests/benchmarks/export.py                  # everything
    python tests/benchmarks/export.py --section graph --rounds 15 --json export.json

Section "layers": deformable convolutions one by one, native and plugin. Section "graph": the shipped default at its
size and mit_b1 at 1088x608, from no pass to all of them. Section "cuda": mit_b1 in fp16 on an NVIDIA GPU, for which
`make plugin` needs nvcc; left out where there is none.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from pathlib import Path

import onnxruntime as ort
import torch
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # Python puts this script's folder there, where `export` would mean this file

from export.library import BUILT  # noqa: E402
from mot.files import whole_file  # noqa: E402
from tests.benchmarks import export_cuda, export_graph, export_layers  # noqa: E402

MIT = export_graph.Subject(architecture="mit_b1", width=1088, height=608)
YOLOX = export_graph.Subject(architecture="yolox_nano", width=640, height=352)
SUBJECTS = (export_graph.shipped(ROOT), YOLOX, MIT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--section", choices=("layers", "graph", "cuda"), help="by default all")
    parser.add_argument("--arch", choices=[subject.architecture for subject in SUBJECTS], help="by default all")
    parser.add_argument("--plugin", type=Path, default=BUILT, help="the library; left out where it is missing")
    parser.add_argument("--rounds", type=int, default=11, help="of mit_b1; small models take four times as many")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the numbers, too")
    options = parser.parse_args()
    console = Console()
    torch.set_num_threads(options.threads)
    missing = export_cuda.missing(options.plugin) if options.section in (None, "cuda") else None
    if missing and options.section:
        raise SystemExit(f"--section cuda cannot run: {missing}")
    library = options.plugin if options.plugin.is_file() else None
    if library is None:
        console.print(f"{options.plugin}: no such library, so the plugin is left out; `make plugin` builds it")
    numbers: dict[str, object] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "onnxruntime": ort.__version__,
        "threads": options.threads,
    }
    if options.section in (None, "layers") and library:
        timings = export_layers.report(
            console,
            library,
            architecture="mit_b1",
            width=1088,
            height=608,
            rounds=2 * options.rounds,
            threads=options.threads,
        )
        numbers["layers"] = [dataclasses.asdict(timing) for timing in timings]
    if options.section in (None, "graph"):
        numbers["graph"] = {}
        for subject in SUBJECTS:
            if options.arch in (None, subject.architecture):
                rounds = options.rounds * (1 if subject.architecture == "mit_b1" else 4)
                graph = export_graph.report(console, subject, library, rounds=rounds, threads=options.threads)
                numbers["graph"] |= {subject.architecture: [dataclasses.asdict(timing) for timing in graph]}
    if options.section in (None, "cuda"):
        if library is None or missing:
            console.print(f"the GPU is left out: {missing}")
        else:
            numbers["cuda"] = export_cuda.report(console, library, MIT, rounds=options.rounds)
    if options.json:
        with whole_file(options.json) as temporary:
            temporary.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
