"""What Triton answers, over HTTP and over gRPC, through the real connections and their decoding to a tracker."""

from __future__ import annotations

import json
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError
from tritonclient.grpc import service_pb2

from client.detection import http_transport
from client.detection.detector import LetterboxDetector
from client.detection.grpc_transport import GrpcTransport
from client.detection.http_transport import HttpTransport
from client.detection.transport import ServedModel, Transport
from client.detection.triton import TritonDetector
from client.tracking import tracker_config
from tests.fuzz.json_tree import change_tree
from tests.fuzz.mutation import TEXT, change_bytes
from tests.fuzz.target import Target, check_finite
from tests.media import frame_of
from tests.tiny_model import TINY, expected, images

_IMAGE = images(1)[0]
_NUMBERS = tuple(
    struct.pack("<f", number) for number in (np.nan, np.inf, -np.inf, -1, -0.0, 0, 1.5, 1e38, -1e38, 1e-40, 1e6, 2**24)
)
_THREADS_MB = 8192  # of addresses: each thread, and gRPC has some, takes a stack and a heap of its own
_SERVICE = "/inference.GRPCInferenceService/"


def _arrays() -> dict[str, npt.NDArray[np.float32]]:
    rows = expected(_IMAGE)
    embeddings = np.eye(TINY.top_k, TINY.embedding_dim, dtype=np.float32)
    return {"boxes": rows.boxes[None], "scores": rows.scores[None], "embeddings": embeddings[None]}


# ---- HTTP -----------------------------------------------------------------------------------------------------------


def _http(document: bytes, binary: bytes = b"", *, length: bool = True) -> bytes:
    """A whole answer of a server: head, JSON, binary tensors."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(document) + len(binary)}\r\n"
    if length:
        head += f"Inference-Header-Content-Length: {len(document)}\r\n"
    return head.encode() + b"\r\n" + document + binary


def _http_answer() -> bytes:
    arrays = {name: array.astype("<f4") for name, array in _arrays().items()}
    outputs = [
        {"name": name, "datatype": "FP32", "shape": list(array.shape), "parameters": {"binary_data_size": array.nbytes}}
        for name, array in arrays.items()
    ]
    document = json.dumps({"model_name": "fairmot", "model_version": "1", "outputs": outputs}).encode()
    return _http(document, b"".join(array.tobytes() for array in arrays.values()))


def _http_answer_in_text() -> bytes:
    outputs = [
        {"name": name, "datatype": "FP32", "shape": list(array.shape), "data": array.ravel().tolist()}
        for name, array in _arrays().items()
    ]
    return _http(json.dumps({"model_name": "fairmot", "outputs": outputs}).encode(), length=False)


def change_http(data: bytes, random: Random) -> bytes:
    """The answer's JSON changed, the lengths in its head set right."""
    head, _, body = data.partition(b"\r\n\r\n")
    end = body.find(b"}]}") + 3  # of what these seeds have
    binary = b"" if end < 3 else body[end:]
    document = change_tree(body if end < 3 else body[:end], random)
    return _http(document, binary, length=b"Inference-Header" in head)


def change_numbers(data: bytes, random: Random) -> bytes:
    """Some of the numbers at the end, which are float32, replaced by odd ones."""
    numbers = (len(data) - data.rfind(b"}") - 1) // 4
    if numbers < 1:
        return change_bytes(data, random)
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        place = len(data) - 4 * (1 + random.randrange(numbers))
        changed[place : place + 4] = random.choice(_NUMBERS)
    return bytes(changed)


class _Canned(http_transport._Connection):
    """A real connection to somebody who has given the answer before the question."""

    answers: dict[str, bytes] = {}  # noqa: RUF012 - by the end of the path; "" is any
    _asked = ""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self.close()
        self._asked = next(end for end in (*self.answers, "") if url.endswith(end))
        super().request(method, url, *args, **kwargs)

    def connect(self) -> None:
        self.sock, self._peer = socket.socketpair()
        self._peer.sendall(self.answers.get(self._asked, _http(b"")))
        self._peer.shutdown(socket.SHUT_WR)


class _OverHttp(HttpTransport):
    """One that asks through a canned connection."""

    def __init__(self) -> None:
        super().__init__("triton", 8000)
        self._canned = _Canned("triton", 8000)

    def _connection(self, timeout_s: float) -> _Canned:
        self._canned.timeout = timeout_s
        return self._canned


# ---- gRPC -----------------------------------------------------------------------------------------------------------


class _Server(grpc.GenericRpcHandler):
    """A real server that answers each question with given bytes."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {
            "ServerReady": service_pb2.ServerReadyResponse(ready=True).SerializeToString()
        }
        self._server = grpc.server(ThreadPoolExecutor(1), [self])
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        answer = self.answers.get(details.method.removeprefix(_SERVICE))
        return None if answer is None else grpc.unary_unary_rpc_method_handler(lambda request, context: answer)


@cache
def _server() -> _Server:
    return _Server()


def _over_grpc() -> GrpcTransport:
    return GrpcTransport("127.0.0.1", _server().port)


def _grpc_answer() -> bytes:
    answer = service_pb2.ModelInferResponse(model_name="fairmot", model_version="1")
    for name, array in _arrays().items():
        answer.outputs.add(name=name, datatype="FP32", shape=array.shape)
        answer.raw_output_contents.append(array.astype("<f4").tobytes())
    return bytes(answer.SerializeToString())


def change_tensors(data: bytes, random: Random) -> bytes:
    """A tensor's name, type, shape or content changed, or one of them left out or given twice."""
    answer = service_pb2.ModelInferResponse()
    try:
        answer.ParseFromString(data)
        tensor, content = random.choice(answer.outputs), random.randrange(len(answer.raw_output_contents))
    except (DecodeError, ValueError, IndexError):
        return change_bytes(data, random)
    kind = random.randrange(7)
    raw = answer.raw_output_contents[content]
    if kind == 0:
        tensor.name = random.choice(("", "boxes", "scores", "embeddings", "x"))
    elif kind == 1:
        tensor.datatype = random.choice(("FP64", "FP16", "BF16", "INT8", "UINT8", "BOOL", "BYTES", "INT64", "", "x"))
    elif kind == 2:
        tensor.shape[:] = [random.choice((0, 1, -1, 4, 5, 8, 2**31, 2**62)) for _ in range(random.randrange(5))]
    elif kind == 3:
        tensor.shape[:] = random.choice(([1, 20], [20], [1, 1, *tensor.shape], [*tensor.shape, 1], tensor.shape[::-1]))
    elif kind == 4:
        answer.raw_output_contents[content] = raw[: random.randrange(len(raw) + 1)]
    elif kind == 5:
        del answer.raw_output_contents[content]
    else:
        answer.raw_output_contents[content] = change_numbers(raw, random)
    return bytes(answer.SerializeToString())


# ---- what is tried --------------------------------------------------------------------------------------------------


class _Described(Transport):
    """A transport whose server is described rightly, whatever it infers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.infer, self.close = transport.infer, transport.close  # type: ignore[method-assign]

    def describe(self, model: str, timeout_s: float) -> ServedModel:
        inputs, outputs = ({t.name: (t.dtype, t.shape) for t in ts} for ts in (TINY.inputs, TINY.outputs))
        return ServedModel(inputs=inputs, outputs=outputs, parameters=TINY.to_metadata())


@cache
def _detector(protocol: str) -> LetterboxDetector:
    transport = _OverHttp() if protocol == "http" else _over_grpc()
    return TritonDetector(
        "triton", in_flight=1, retry_for_s=0, connect=lambda url, wire: (_Described(transport), f"{protocol}://triton")
    )


def _tracked(detector: LetterboxDetector) -> None:
    """What is found in a frame is fit for a tracker, whose tracks are numbers."""
    found = detector.submit(frame_of(_IMAGE)).result()
    assert found.embeddings is not None and found.embeddings.shape == (len(found), TINY.embedding_dim)
    for array in (found.boxes, found.scores, found.embeddings):
        assert array.dtype == np.float32
        check_finite(array)
    tracker = tracker_config().tracker(30)
    for _ in range(3):
        tracks = tracker.update(found)
    check_finite(tracks.boxes, tracks.scores)


def _compile() -> None:
    """Have the tracker's kernels compiled, which takes a minute where nobody has done so before."""
    tracker = tracker_config().tracker(30)
    rows, embeddings = expected(_IMAGE), np.eye(TINY.top_k, TINY.embedding_dim, dtype=np.float32)
    for _ in range(3):
        tracker.update(replace(rows, embeddings=embeddings))


def _http_inference(path: Path) -> None:
    _Canned.answers = {"": path.read_bytes()}
    _tracked(_detector("http"))


def _grpc_inference(path: Path) -> None:
    _server().answers["ModelInfer"] = path.read_bytes()
    _tracked(_detector("grpc"))


def _described(transport: Transport) -> None:
    detector = TritonDetector("triton", in_flight=1, connect=lambda url, wire: (transport, "http://triton:8000"))
    assert detector.spec.outputs == TINY.outputs, "tensors are compared with the metadata"
    detector.close()


def _http_description(path: Path) -> None:
    """Its first line is the model's metadata, the rest its configuration."""
    metadata, _, config = path.read_bytes().partition(b"\n")
    _Canned.answers = {"/config": _http(config), "/ready": _http(b""), "": _http(metadata)}
    _described(_OverHttp())


def _description() -> bytes:
    def tensors(of: Any) -> list[dict[str, object]]:
        return [{"name": t.name, "datatype": t.triton_dtype, "shape": [-1, *t.shape]} for t in of]

    metadata = {"name": "fairmot", "inputs": tensors(TINY.inputs), "outputs": tensors(TINY.outputs)}
    parameters = {key: {"string_value": value} for key, value in TINY.to_metadata().items()}
    return json.dumps(metadata).encode() + b"\n" + json.dumps({"parameters": parameters}).encode()


def change_description(data: bytes, random: Random) -> bytes:
    """One of the two changed."""
    parts = list(data.partition(b"\n"))
    k = random.choice((0, 2))
    parts[k] = change_tree(parts[k], random).replace(b"\n", b" ")
    return b"".join(parts)


HTTP = Target(
    name="http-answer",
    file="answer.http",
    seeds=(_http_answer(), _http_answer_in_text()),
    reads=(_http_inference,),
    mutations=(change_http, change_http, change_numbers, change_numbers, *TEXT[:2]),
    named="http://triton",
    memory_mb=_THREADS_MB,
    prepare=_compile,
)
DESCRIPTION = Target(
    name="http-description",
    file="description.jsonl",
    seeds=(_description(),),
    reads=(_http_description,),
    mutations=(change_description, change_description, change_description, *TEXT[:2]),
    named="http://triton",
    memory_mb=_THREADS_MB,
    prepare=_compile,
)
GRPC = Target(
    name="grpc-answer",
    file="answer.pb",
    seeds=(_grpc_answer(),),
    reads=(_grpc_inference,),
    mutations=(change_tensors, change_tensors, change_tensors, change_bytes),
    named="grpc://",
    memory_mb=_THREADS_MB,
    prepare=_compile,
)
TARGETS = (HTTP, DESCRIPTION, GRPC)
