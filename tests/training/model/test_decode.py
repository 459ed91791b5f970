from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mot.errors import MotError
from training.model.decode import Predictor, peaks
from training.model.fairmot import FairMOT, Outputs


class Drawn(nn.Module):
    """Stands for the network: a heatmap and head outputs made by hand, on a map of 6 x 8 cells."""

    def __init__(self, heatmap: Tensor, box: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.heatmap, self.box, self.offset = heatmap, box, offset
        self.mean = torch.zeros(3, 1, 1)  # tells the type of the images that the network takes

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        assert images.dtype == torch.float32
        assert images.shape[1:] == (3, 24, 32)
        return torch.zeros(1, 2, 6, 8), self.heatmap.logit().view(1, 1, 6, 8)

    def at(self, _features: Tensor, cells: Tensor, *, dense: bool) -> Outputs:
        assert not dense
        return Outputs(
            box=self.box.view(1, 48, 4)[:, cells[0]],
            offset=self.offset.view(1, 48, 2)[:, cells[0]],
            embedding=torch.ones(1, cells.shape[1], 1),
        )


def predict(heatmap: Tensor, box: Tensor, offset: Tensor, top_k: int) -> tuple[Tensor, Tensor, Tensor]:
    image = torch.zeros(1, 24, 32, 3, dtype=torch.uint8)
    result: tuple[Tensor, Tensor, Tensor] = Predictor(Drawn(heatmap, box, offset), top_k)(image)  # type: ignore[arg-type]
    return result


def test_a_drawn_heatmap_gives_its_boxes_best_first() -> None:
    heatmap = torch.full((6, 8), 0.01)
    box, offset = torch.zeros(6, 8, 4), torch.zeros(6, 8, 2)
    heatmap[2, 3], heatmap[2, 4] = 0.6, 0.5  # the second is the first one's shoulder
    box[2, 3], offset[2, 3] = torch.tensor([1.0, 2, 1.5, 2.5]), torch.tensor([0.5, 0.25])
    heatmap[5, 7] = 0.9
    box[5, 7] = torch.tensor([1.0, 1, 3, 4])  # leaves the image: amodal
    boxes, scores, embeddings = predict(heatmap, box, offset, 2)
    torch.testing.assert_close(scores, torch.tensor([[0.9, 0.6]]))
    # 4 px a cell: x from 4 * (7 - 1), ... and from 4 * (3.5 - 1), 4 * (2.25 - 2)
    torch.testing.assert_close(boxes, torch.tensor([[[24.0, 16, 40, 36], [10.0, 1, 20, 19]]]))
    assert embeddings.shape == (1, 2, 1)


def test_negative_distances_make_empty_boxes_not_inverted_ones() -> None:
    heatmap = torch.full((6, 8), 0.01)
    heatmap[1, 1] = 0.9
    box = torch.zeros(6, 8, 4)
    box[1, 1] = torch.tensor([-1.0, 1, -2, -3])
    boxes, _, _ = predict(heatmap, box, torch.zeros(6, 8, 2), 1)
    torch.testing.assert_close(boxes, torch.tensor([[[4.0, 0, 4, 4]]]))


def test_ties_are_peaks_both() -> None:
    heatmap = torch.zeros(1, 1, 3, 5)
    heatmap[0, 0, 1, 1] = heatmap[0, 0, 1, 2] = heatmap[0, 0, 0, 4] = 0.5
    scores, cells = peaks(heatmap, 3)
    assert scores.tolist() == [[0.5] * 3]
    assert sorted(cells[0].tolist()) == [4, 6, 7]


def test_more_rows_than_peaks_have_score_0() -> None:
    heatmap = torch.linspace(0.1, 0.5, 20).view(1, 1, 4, 5)
    scores, cells = peaks(heatmap, 20)
    assert scores[0, 0] == 0.5
    assert cells[0, 0] == 19
    assert scores[0, 1:].sum() == 0
    assert sorted(cells[0].tolist()) == list(range(20))


def test_images_of_a_batch_are_apart() -> None:
    heatmap = torch.zeros(2, 1, 2, 2)
    heatmap[0, 0, 0, 1], heatmap[1, 0, 1, 0] = 0.3, 0.8
    scores, cells = peaks(heatmap, 1)
    torch.testing.assert_close(scores, torch.tensor([[0.3], [0.8]]))
    assert cells.tolist() == [[1], [2]]


def test_one_cell() -> None:
    scores, cells = peaks(torch.full((1, 1, 1, 1), 0.25), 1)
    assert (scores.item(), cells.item()) == (0.25, 0)


def test_more_rows_than_cells_is_a_message() -> None:
    with pytest.raises(MotError, match="top_k is 7, but the heatmap has 3x2 cells"):
        peaks(torch.zeros(1, 1, 2, 3), 7)


def test_a_real_network_keeps_the_contract() -> None:
    torch.manual_seed(0)
    predictor = Predictor(FairMOT("mit_b0").eval(), 16)
    boxes, scores, embeddings = predictor(torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8))
    assert (boxes.shape, scores.shape, embeddings.shape) == ((2, 16, 4), (2, 16), (2, 16, 128))
    assert (boxes[..., 2:] >= boxes[..., :2]).all()
    assert (scores.diff(dim=1) <= 0).all()
