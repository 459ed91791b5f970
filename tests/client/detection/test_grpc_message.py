"""The same message as tritonclient's, and none of another image in it."""

from __future__ import annotations

import numpy as np
import pytest
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc._utils import _get_inference_request
from tritonclient.grpc.service_pb2 import ModelInferRequest

from client.detection.grpc_message import request
from client.detection.transport import Image, SharedImage, filled

OUTPUTS = ("boxes", "scores")


def picture(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (1, height, width, 3), np.uint8)


def tritonclients(model: str, name: str, image: Image | SharedImage, outputs: tuple[str, ...]) -> ModelInferRequest:
    tensor = filled(InferInput(name, image.shape, "UINT8"), image)
    wanted = [InferRequestedOutput(output) for output in outputs]
    return _get_inference_request(model, [tensor], "", "", wanted, 0, False, False, 0, None, None)


@pytest.mark.parametrize(
    "image",
    [
        picture(352, 640),
        picture(2, 3),  # a length of one byte
        picture(8, 9)[:, ::2, ::-1],  # its rows are not one after the other
        SharedImage(region="mot-images-1", offset=675_840, shape=(1, 352, 640, 3)),
    ],
    ids=["pixels", "few pixels", "a view", "shared memory"],
)
def test_the_message_is_tritonclient_s(image: Image | SharedImage) -> None:
    found = ModelInferRequest.FromString(request("fairmot", "image", image, OUTPUTS))
    assert found == tritonclients("fairmot", "image", image, OUTPUTS)


def test_what_is_kept_for_the_next_image_is_of_the_same_kind() -> None:
    for model in ("fairmot", "fairmot_fast"):
        for outputs in (OUTPUTS, OUTPUTS[:1]):
            for number, size in enumerate(((4, 6), (6, 4), (4, 6))):
                images = (
                    picture(*size, seed=number),
                    SharedImage(region=f"region-{number % 2}", offset=72 * number + 72, shape=(1, *size, 3)),
                )
                for image in images:
                    found = ModelInferRequest.FromString(request(model, "image", image, outputs))
                    assert found == tritonclients(model, "image", image, outputs)
