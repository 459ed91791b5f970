"""The model's contract: the one place that knows each tensor's name, type, shape and meaning.

The ONNX graph, its metadata, Triton's ``config.pbtxt``, the client's requests and the start-up check
of a server all come from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from mot.errors import MotError, shortened, shown

MODEL_NAME = "fairmot"
# What people call the sizes of one family, and the models' names on a server and in a repository.
SIZES = {"fast": f"{MODEL_NAME}_fast", "default": MODEL_NAME, "accurate": f"{MODEL_NAME}_accurate"}
CONTRACT_VERSION = 1
_PREFIX = "mot."
THRESHOLDS = ("conf_thres", "high_thres", "low_thres")
REMARKS = ("accuracy", "speed", "terms")  # of people for people, written when the file is there already
_MAY_LACK = {*THRESHOLDS, "speed", "terms"}  # fields of ModelSpec that files of earlier releases have not

# ImageNet statistics of RGB in 0..255 (torchvision's 0..1 values times 255).
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class ContractError(MotError, ValueError):
    """A model or server does not speak this project's contract; the message names what differs."""


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """One tensor of the graph; ``shape`` leaves out the batch dimension, which comes first."""

    name: str
    dtype: str  # numpy's name: "uint8", "float32"
    shape: tuple[int, ...]

    @property
    def triton_dtype(self) -> str:
        """Triton's name of the type, as its metadata answers it: ``UINT8``, ``FP32``."""
        return {"uint8": "UINT8", "float32": "FP32"}[self.dtype]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a client must know of a model, and what the ONNX file says of itself.

    The graph takes ``image``, already letterboxed, and does everything else itself: normalisation,
    network, peak NMS, top-K, box decoding, gathering and normalising embeddings.
    """

    architecture: str
    height: int = 320  # pixels, a multiple of 32
    width: int = 576  # pixels, a multiple of 32
    stride: int = 4  # input pixels per heatmap cell
    top_k: int = 128  # rows per image in every output, best score first
    embedding_dim: int = 64
    mean: tuple[float, float, float] = IMAGENET_MEAN  # RGB, 0..255
    std: tuple[float, float, float] = IMAGENET_STD
    recipe: str = ""  # name of the training recipe
    accuracy: str = ""  # measured accuracy with its protocol, for people
    speed: str = ""  # measured speed with its hardware, the same
    terms: str = ""  # what the weights may be used for, the same
    # Scores that suit this model, for trackers: from which somebody is new, is matched first, and is still matched.
    # None: not known, as in models of earlier releases.
    conf_thres: float | None = None
    high_thres: float | None = None
    low_thres: float | None = None
    version: int = CONTRACT_VERSION

    def __post_init__(self) -> None:
        for side, pixels in (("height", self.height), ("width", self.width)):
            if pixels <= 0 or pixels % 32:
                raise ContractError(f"input {side} {pixels} is not a positive multiple of 32")
        if self.top_k <= 0 or self.embedding_dim <= 0:
            raise ContractError(f"top_k {self.top_k} and embedding_dim {self.embedding_dim} must be positive")
        if (
            len(self.mean) != 3
            or len(self.std) != 3
            or not all(map(math.isfinite, (*self.mean, *self.std)))
            or min(self.std) <= 0
        ):
            given = f"mean {shown(self.mean)} and std {shown(self.std)}"
            raise ContractError(f"{given} must be three finite numbers each, std above 0")
        for name in THRESHOLDS:
            score = getattr(self, name)
            if score is not None and not 0 <= score <= 1:
                raise ContractError(f"{name} {score} is no score between 0 and 1")

    @property
    def thresholds(self) -> dict[str, float]:
        """Those of :data:`THRESHOLDS` that are known."""
        return {name: getattr(self, name) for name in THRESHOLDS if getattr(self, name) is not None}

    def with_thresholds(self, thresholds: Mapping[str, float]) -> ModelSpec:
        """The same with some of :data:`THRESHOLDS`."""
        known: dict[str, Any] = {**self.thresholds, **thresholds}
        return replace(self, **known)

    @property
    def image(self) -> TensorSpec:
        """uint8 (N, H, W, 3): RGB, letterboxed to the input size."""
        return TensorSpec(name="image", dtype="uint8", shape=(self.height, self.width, 3))

    @property
    def boxes(self) -> TensorSpec:
        """float32 (N, K, 4): xyxy, pixels of the letterboxed input; may leave the image."""
        return TensorSpec(name="boxes", dtype="float32", shape=(self.top_k, 4))

    @property
    def scores(self) -> TensorSpec:
        """float32 (N, K): 0..1, descending."""
        return TensorSpec(name="scores", dtype="float32", shape=(self.top_k,))

    @property
    def embeddings(self) -> TensorSpec:
        """float32 (N, K, D): appearance, each row of length 1."""
        return TensorSpec(name="embeddings", dtype="float32", shape=(self.top_k, self.embedding_dim))

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (self.image,)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return (self.boxes, self.scores, self.embeddings)

    def to_metadata(self) -> dict[str, str]:
        """String pairs for the ONNX file's metadata and Triton's ``parameters``."""
        return {
            _PREFIX + name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            for name, value in asdict(self).items()
            if value is not None and (value != "" or name not in _MAY_LACK)
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: str) -> ModelSpec:
        """Read back what :meth:`to_metadata` wrote; ``source`` names the file or server in errors.

        Raises:
            ContractError: keys are missing, unreadable, or of another contract version.
        """
        version = metadata.get(_PREFIX + "version")
        if version is None:
            raise ContractError(f"{source}: no contract metadata ({_PREFIX}version); export the model with mot-export")
        if version != str(CONTRACT_VERSION):
            raise ContractError(
                f"{source}: contract version {shortened(version)}, this program speaks {CONTRACT_VERSION}; "
                "export the model again with the mot-export of this release"
            )
        values: dict[str, object] = {}
        for field in fields(cls):
            text = metadata.get(_PREFIX + field.name)
            if text is None and field.name in _MAY_LACK:
                continue
            if text is None:
                raise ContractError(f"{source}: metadata {_PREFIX}{field.name} is missing; export the model again")
            try:
                if field.type == "int":
                    values[field.name] = int(text)
                elif field.type == "str":
                    values[field.name] = text
                elif field.name in THRESHOLDS:
                    values[field.name] = float(text)
                else:
                    values[field.name] = tuple(float(part) for part in text.split(","))
            except ValueError as error:
                raise ContractError(
                    f"{source}: metadata {_PREFIX}{field.name} is {shown(text)}: {shortened(str(error))}"
                ) from error
        try:
            return cls(**values)  # type: ignore[arg-type]
        except ContractError as error:
            raise ContractError(f"{source}: metadata: {error}") from error

    def check_tensors(
        self,
        inputs: Mapping[str, tuple[str, tuple[int, ...]]],
        outputs: Mapping[str, tuple[str, tuple[int, ...]]],
        source: str,
    ) -> None:
        """Compare what a file or server offers (name -> numpy dtype, shape without batch) with this spec.

        Raises:
            ContractError: a tensor is missing or has another type or shape.
        """
        for kind, wanted, offered in (("input", self.inputs, inputs), ("output", self.outputs, outputs)):
            for tensor in wanted:
                if tensor.name not in offered:
                    raise ContractError(f"{source}: {kind} {tensor.name!r} is missing; it offers {sorted(offered)}")
                dtype, shape = offered[tensor.name]
                if (dtype, shape) != (tensor.dtype, tensor.shape):
                    raise ContractError(
                        f"{source}: {kind} {tensor.name!r} is {dtype} {shape}, expected {tensor.dtype} {tensor.shape}"
                    )
