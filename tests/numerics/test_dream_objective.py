"""What dreams climb, against plain formulas; and tiles, against the whole image."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by

from pastiche_daemon.nn import image_tiles
from pastiche_daemon.nn.dream_objective import DreamObjective
from pastiche_daemon.nn.encoder import Encoder, EncoderSpec, UnknownLayerError
from pastiche_daemon.nn.gradient_smoothing import gaussian_blur, laplacian_normalized
from pastiche_daemon.nn.image_tiles import tiles


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Random weights; average pooling, so that a tile's place matters less."""
    torch.manual_seed(0)
    spec = EncoderSpec("tiny", ((4,), (6,), (8,), (8,)), pooling="avg")
    encoder = Encoder(spec)
    for name in spec.convolutions:
        conv = encoder.convolution(name)
        torch.nn.init.kaiming_normal_(conv.weight)
        assert conv.bias is not None
        torch.nn.init.uniform_(conv.bias, -0.1, 0.1)
    return encoder


def picture(height: int, width: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    return F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def ascent(objective, image, seed=0, jitter=0, tile=1000):
    generator = torch.Generator().manual_seed(seed)
    return objective.ascent(image, jitter=jitter, tile=tile, generator=generator)


def test_value_and_gradient_are_those_of_the_mean_squared_activations(encoder):
    double, image = encoder.double(), picture(24, 32).double()
    layers = {"relu1_1": 0.5, "conv3_1": 2.0}
    found = ascent(DreamObjective(double, layers), image)
    leaf = image.clone().requires_grad_()
    features = double(leaf, layers)
    total = torch.zeros(())
    for layer, weight in layers.items():
        plane = features[layer]
        total = total + weight * sum(value**2 for value in plane.flatten()) / plane.numel()
    total.backward()
    assert found.value == pytest.approx(total.item(), rel=1e-6)
    torch.testing.assert_close(found.gradient, leaf.grad, rtol=1e-6, atol=1e-9)
    encoder.float()


def test_the_gradient_is_that_of_finite_differences(encoder):
    double, image = encoder.double(), picture(16, 16).double()
    objective = DreamObjective(double, {"conv2_1": 1.0})
    found = ascent(objective, image)
    for place in ((0, 0, 3, 4), (0, 1, 15, 0), (0, 2, 8, 8)):
        step = torch.zeros_like(image)
        step[place] = 1e-5
        slope = (
            ascent(objective, image + step).value - ascent(objective, image - step).value
        ) / 2e-5
        assert found.gradient[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-9)
    encoder.float()


def test_a_guides_best_matching_features_are_climbed(encoder):
    image, guide = picture(16, 24), picture(32, 16, seed=5)
    found = ascent(DreamObjective(encoder, {"relu3_1": 1.0}, guide), image)
    places = encoder(guide, ["relu3_1"])["relu3_1"][0].flatten(1)
    leaf = image.clone().requires_grad_()
    mine = encoder(leaf, ["relu3_1"])["relu3_1"][0].flatten(1)
    total = torch.zeros(())
    for place in range(mine.shape[1]):
        products = [mine[:, place] @ places[:, other] for other in range(places.shape[1])]
        total = total + max(products)
    value = total / mine.numel()
    value.backward()
    assert found.value == pytest.approx(value.item(), rel=1e-5)
    torch.testing.assert_close(found.gradient, leaf.grad, rtol=1e-4, atol=1e-7)


def test_only_what_counts_of_a_guide_is_matched(encoder):
    image, guide = picture(16, 24), picture(32, 32, seed=5)
    left = torch.zeros(1, 1, 32, 32)
    left[..., :16] = 1
    other = guide.clone()
    other[..., 24:] = 0.5  # beyond the counted part and what it sees
    layers = {"conv1_1": 1.0}
    values = [
        ascent(DreamObjective(encoder, layers, chosen, counted), image).value
        for chosen, counted in ((guide, left), (other, left), (guide, None))
    ]
    assert values[0] == values[1]
    assert values[0] < values[2]


def test_unknown_layers_are_refused_with_the_right_ones(encoder):
    with pytest.raises(UnknownLayerError, match=r"has no layer 'relu9_1'; it has conv1_1, relu1_1"):
        DreamObjective(encoder, {"relu9_1": 1.0})


@pytest.mark.parametrize("length", [1, 127, 129, 300, 1000])
@pytest.mark.parametrize("size", [128, 200])
def test_what_counts_of_the_tiles_makes_up_the_image(length, size):
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        covered = torch.zeros(70, length)
        shapes = set()
        for rows, columns in tiles(70, length, size, generator):
            assert 0 <= columns.start <= columns.first < columns.last <= columns.stop <= length
            assert columns.start == 0 or columns.first - columns.start >= 32
            assert columns.stop == length or columns.stop - columns.last >= 32
            covered[rows.first : rows.last, columns.first : columns.last] += 1
            shapes.add((rows.stop - rows.start, columns.stop - columns.start))
        assert (covered == 1).all()
        assert len(shapes) == 1
        assert max(shapes.pop()) <= size


def test_every_place_is_a_border_equally_often():
    generator, counts = torch.Generator().manual_seed(0), torch.zeros(300)
    draws = 6000
    for _ in range(draws):
        for tile in tiles(64, 300, 128, generator):
            counts[tile.columns.first] += 1
    inner = counts[1:]
    expected = inner.sum() / len(inner)
    # Some standard deviations of a binomial distribution, or half of one at the very ends.
    assert inner[30:-30].min() > expected - 6 * expected.sqrt()
    assert inner[30:-30].max() < expected + 6 * expected.sqrt()
    assert inner.max() < expected + 6 * expected.sqrt()


def test_tiles_give_the_whole_images_gradient_where_a_layer_sees_no_further(encoder):
    image, objective = picture(150, 300), DreamObjective(encoder, {"relu1_1": 1.0})
    whole, tiled = ascent(objective, image), ascent(objective, image, tile=128)
    torch.testing.assert_close(tiled.gradient, whole.gradient, rtol=1e-3, atol=1e-8)
    assert tiled.value == pytest.approx(whole.value, rel=0.2)


def mean_gradient(objective, image, tile, draws=150, jitter=0):
    generator = torch.Generator().manual_seed(0)
    gradients = (
        objective.ascent(image, jitter=jitter, tile=tile, generator=generator).gradient
        for _ in range(draws)
    )
    return torch.stack(list(gradients)).mean(dim=0)


def test_tiles_give_the_whole_images_gradient_on_average(encoder):
    image, objective = picture(96, 288), DreamObjective(encoder, {"relu4_1": 1.0})
    whole, tiled = (mean_gradient(objective, image, tile, jitter=16) for tile in (1000, 128))
    assert F.cosine_similarity(tiled.flatten(), whole.flatten(), dim=0) > 0.99
    assert tiled.norm().item() == pytest.approx(whole.norm().item(), rel=0.05)


def outstanding(error: torch.Tensor) -> float:
    """The largest jump of the error from one column to the next, relative to a usual one."""
    jumps = (error[..., 1:] - error[..., :-1]).abs().mean((0, 1, 2))
    return (jumps.max() / jumps.median()).item()


@pytest.mark.parametrize("margin", [32, 8])
def test_no_border_of_a_tile_stands_out(encoder, monkeypatch, margin):
    # The layer sees 46 pixels, more than the margin: single tiles do have borders that show.
    monkeypatch.setattr(image_tiles, "_MARGIN", margin)
    image, objective = picture(96, 288), DreamObjective(encoder, {"relu4_1": 1.0})
    whole = ascent(objective, image).gradient
    assert outstanding(mean_gradient(objective, image, 128) - whole) < 3
    if margin == 8:  # the same measure finds borders that are always at the same places
        fixed = SimpleNamespace(rand=lambda *_, **__: torch.tensor(0.5))
        monkeypatch.setattr(image_tiles, "torch", fixed)
        assert outstanding(mean_gradient(objective, image, 128, draws=1) - whole) > 10


def test_jitter_moves_the_picture_and_stays_within_it(encoder):
    image, objective = picture(24, 40), DreamObjective(encoder, {"relu4_1": 1.0})
    first, again, other = (ascent(objective, image, seed, jitter=16) for seed in (0, 0, 1))
    assert first.gradient.shape == image.shape
    assert torch.equal(first.gradient, again.gradient)
    assert not torch.equal(first.gradient, other.gradient)
    assert ascent(objective, image, jitter=500).gradient.shape == image.shape


def largest_kept(objective, image, tile):
    """The pixels of the largest feature map that autograd keeps at any time."""
    largest = 0

    def pack(tensor):
        nonlocal largest
        if tensor.dim() == 4 and tensor.shape[1] > 3:  # not the picture itself
            largest = max(largest, tensor.shape[-2] * tensor.shape[-1])
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        ascent(objective, image, tile=tile)
    return largest


def test_memory_depends_on_the_tile_and_not_on_the_image(encoder):
    objective = DreamObjective(encoder, {"relu4_1": 1.0})
    whole = largest_kept(objective, picture(400, 400), tile=1000)
    assert whole >= 400 * 400
    for side in (200, 400, 640):
        assert largest_kept(objective, picture(side, side), tile=128) <= 130 * 130


def test_it_can_be_ended_before_every_tile(encoder):
    objective, generator, begun = DreamObjective(encoder, {"relu1_1": 1.0}), torch.Generator(), []

    def end() -> None:
        begun.append(1)
        if len(begun) == 3:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        objective.ascent(
            picture(300, 300), jitter=0, tile=128, generator=generator, before_tile=end
        )
    assert len(begun) == 3


def test_the_memory_that_is_kept_is_measured(encoder):
    shallow, deep = (
        DreamObjective(encoder, {layer: 1.0}).kept_bytes() for layer in ("relu1_1", "relu4_1")
    )
    # At least what a ReLU keeps at full size; the deeper layers add a little.
    assert 4 * 4 <= shallow < deep < 4 * shallow


def test_a_blur_is_the_gaussians(encoder):
    point = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    point[..., 20, 20] = 1
    blurred = gaussian_blur(point, 2.0)
    assert blurred.sum().item() == pytest.approx(1)
    across = blurred[0, 0, 20]
    assert (across[22] / across[20]).item() == pytest.approx(torch.tensor(-0.5).exp().item())
    variance = (blurred[0, 0].sum(0) * (torch.arange(41) - 20) ** 2).sum().item()
    assert variance == pytest.approx(4, rel=0.02)
    assert gaussian_blur(point, 0.0) is point


def test_a_laplacian_pyramid_gives_coarse_structures_the_strength_of_fine_ones():
    torch.manual_seed(0)
    fine = torch.randn(1, 3, 64, 64)
    coarse = F.interpolate(torch.randn(1, 3, 4, 4), size=(64, 64), mode="bicubic")
    mixed = fine + 0.01 * coarse

    def share(image: torch.Tensor) -> float:
        return F.cosine_similarity(image.flatten(), coarse.flatten(), dim=0).item()

    assert abs(share(mixed)) < 0.1
    assert share(laplacian_normalized(mixed, 4)) > share(mixed) + 0.02
    assert laplacian_normalized(mixed, 1).std().item() == pytest.approx(1, rel=1e-4)
    assert laplacian_normalized(mixed, 0) is mixed
    flat = torch.zeros(1, 3, 16, 16)
    assert torch.equal(laplacian_normalized(flat, 3), flat)
