"""Does memory grow with a video's length? Peak memory of `mot track` on a video and on ten of it in a row.

python tests/benchmarks/memory.py $(mot sample) --times 10
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import av


def repeat(video: Path, times: int, out: Path) -> None:
    """Write ``video`` several times in a row, its packets copied."""
    with av.open(str(out), "w") as target:
        stream = None
        offset = 0
        for _ in range(times):
            with av.open(str(video)) as source:
                if stream is None:
                    stream = target.add_stream_from_template(source.streams.video[0])
                last = 0
                for packet in source.demux(video=0):
                    if packet.dts is None:
                        continue
                    last = max(last, packet.dts)
                    packet.pts = None if packet.pts is None else packet.pts + offset
                    packet.dts += offset
                    packet.stream = stream
                    target.mux(packet)
                offset += last + 1


def peak_megabytes(video: Path, out: Path, options: list[str]) -> float:
    """Largest resident memory of one `mot track` (the client; an embedded server is a process of its own)."""
    command = [str(Path(sys.executable).with_name("mot")), "track", str(video), "--output-root", str(out), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--engine", default="local", choices=("local", "triton"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / f"long{options.video.suffix}"
        repeat(options.video, options.times, long)
        engine = ["--engine", options.engine]
        once = peak_megabytes(options.video, Path(folder), engine)
        many = peak_megabytes(long, Path(folder), engine)
    print(
        f"{options.video.name}: {once:.0f} MB; {options.times} times in a row: {many:.0f} MB; ratio {once / many:.2f}"
    )


if __name__ == "__main__":
    main()
