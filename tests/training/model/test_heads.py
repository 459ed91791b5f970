from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.model.heads import Head, gather_patches


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 1), (1, 6), (6, 1)], ids=str)
def test_chosen_cells_equal_the_dense_map_borders_included(height: int, width: int) -> None:
    torch.manual_seed(0)
    head = Head(3, 8, 4)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    features = torch.randn(2, 3, height, width)
    every_cell = torch.stack([torch.arange(height * width), torch.randperm(height * width)])
    dense = head(features).flatten(2).transpose(1, 2)  # (N, H*W, out)
    expected = torch.stack([dense[image, every_cell[image]] for image in range(2)])
    found = head.at(gather_patches(features, every_cell))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_patches_are_laid_out_as_unfold_does() -> None:
    features = torch.arange(2 * 3 * 4, dtype=torch.float32).view(1, 2, 3, 4)
    cells = torch.tensor([[0, 5, 11]])
    unfolded = functional.unfold(features, 3, padding=1)[..., cells[0]].transpose(1, 2)
    assert torch.equal(gather_patches(features, cells), unfolded)


def test_no_cells() -> None:
    head = Head(3, 8, 4)
    assert head.at(gather_patches(torch.randn(2, 3, 4, 4), torch.zeros(2, 0, dtype=torch.int64))).shape == (2, 0, 4)


def test_gradients_of_both_forms_agree() -> None:
    torch.manual_seed(0)
    head = Head(2, 4, 3).double()
    features = torch.randn(1, 2, 3, 5, dtype=torch.float64, requires_grad=True)
    cells = torch.arange(15)[None]
    upstream = torch.randn(1, 15, 3, dtype=torch.float64)
    wanted = [features, *head.parameters()]
    dense = torch.autograd.grad(head(features).flatten(2).transpose(1, 2), wanted, upstream)
    sparse = torch.autograd.grad(head.at(gather_patches(features, cells)), wanted, upstream)
    for a, b in zip(dense, sparse, strict=True):
        torch.testing.assert_close(a, b)
