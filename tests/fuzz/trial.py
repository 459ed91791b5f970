"""One input tried on a target, and what is wrong with what came of it."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.target import Target

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST = 4000  # characters of a message that somebody reads


@dataclass(frozen=True)
class Finding:
    """A fault, told apart from others by ``kind``: what happened and where."""

    kind: str
    told: str  # its end of the traceback, or the message


def attempt(target: Target, path: Path, data: bytes) -> list[Finding]:
    """Write one input to ``path`` and read it; a reader that hangs ends the process by SIGPROF or SIGALRM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    findings = []
    for read in target.reads:
        signal.setitimer(signal.ITIMER_PROF, target.hang_s)
        signal.setitimer(signal.ITIMER_REAL, 60 * target.hang_s)
        if found := _fault(target, path, read):
            findings.append(found)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return findings


def _fault(target: Target, path: Path, read: Callable[[Path], object]) -> Finding | None:
    try:
        read(path)
    except target.refusals as refusal:
        return _fault_of_the_message(str(refusal), str(path) if target.named is None else target.named, refusal)
    except Exception as error:  # noqa: BLE001 - which they are is what is looked for
        return Finding(f"{type(error).__name__} in {_place(error)}", _tail(error))
    return None


def _fault_of_the_message(message: str, named: str, refusal: BaseException) -> Finding | None:
    if named not in message:
        return Finding(f"a message that does not name {named}, in {_place(refusal)}", message[:_LONGEST])
    if len(message) > _LONGEST:
        return Finding(f"a message of more than {_LONGEST} characters, in {_place(refusal)}", message[:_LONGEST])
    return None


def _place(error: BaseException) -> str:
    """The innermost line of this project that took part."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_ROOT) and ".venv" not in Path(f.filename).parts]
    frame = (ours or frames)[-1]
    name = Path(frame.filename)
    return f"{name.relative_to(_ROOT) if name.is_relative_to(_ROOT) else name}:{frame.lineno}"


def _tail(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-4, chain=False))[-_LONGEST:]
