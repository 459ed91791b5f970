"""The gRPC message of an image, put together with a single copy of its pixels.

tritonclient builds it anew for each image, out of objects, and copies the pixels several times on the way, which takes
0.5 ms of CPU more an image. All but the pixels, or their place in shared memory, is the same each time.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from tritonclient.grpc.service_pb2 import ModelInferRequest

from client.detection.transport import Image, SharedImage


def request(model: str, name: str, image: Image | SharedImage, outputs: tuple[str, ...]) -> bytes:
    """Triton's ModelInferRequest, serialised.

    Args:
        model: its name.
        name: the input's.
        image: its pixels, (1, H, W, 3), or where they are.
        outputs: the wanted ones' names.
    """
    if isinstance(image, SharedImage):
        return _of_shared(model, name, image, outputs)
    return b"".join((_before_pixels(model, name, image.shape, outputs), np.ascontiguousarray(image).data))


@lru_cache(maxsize=256)  # places in a region: as many as images are in the server at a time
def _of_shared(model: str, name: str, image: SharedImage, outputs: tuple[str, ...]) -> bytes:
    message = _described(model, name, image.shape, outputs)
    parameters = message.inputs[0].parameters
    parameters["shared_memory_region"].string_param = image.region
    parameters["shared_memory_byte_size"].int64_param = math.prod(image.shape)
    parameters["shared_memory_offset"].int64_param = image.offset
    return bytes(message.SerializeToString())


@lru_cache(maxsize=8)
def _before_pixels(model: str, name: str, shape: tuple[int, ...], outputs: tuple[str, ...]) -> bytes:
    """What comes before the pixels: messages one after the other are one message, so the pixels may be its last field.

    https://protobuf.dev/programming-guides/encoding/#last-one-wins
    """
    size = math.prod(shape)
    last = ModelInferRequest(raw_input_contents=[bytes(size)]).SerializeToString()
    return bytes(_described(model, name, shape, outputs).SerializeToString() + last[:-size])


def _described(model: str, name: str, shape: tuple[int, ...], outputs: tuple[str, ...]) -> ModelInferRequest:
    return ModelInferRequest(
        model_name=model,
        inputs=[ModelInferRequest.InferInputTensor(name=name, datatype="UINT8", shape=shape)],
        outputs=[ModelInferRequest.InferRequestedOutputTensor(name=output) for output in outputs],
    )
