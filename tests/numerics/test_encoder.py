"""The VGG encoders against torchvision's own networks and a plain reading of the quarter one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import save_file
from torchvision.models import get_model
from torchvision.models.vgg import cfgs, make_layers
from torchvision.transforms import functional as transforms

from pastiche_daemon.encoders import EncoderFileError, load_encoder
from pastiche_daemon.nn.encoder import (
    Encoder,
    UnknownLayerError,
    encoder_from_state,
    encoder_specs,
    feature_keys,
)


def image(size: int = 64) -> torch.Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "letter"), [("vgg11", "A"), ("vgg13", "B"), ("vgg16", "D"), ("vgg19", "E")]
)
def test_features_equal_torchvisions(name, letter):
    torch.manual_seed(0)
    reference = make_layers(cfgs[letter], batch_norm=False).eval()
    state = {f"features.{key}": value for key, value in reference.state_dict().items()}
    encoder = encoder_from_state(encoder_specs()[name], state)
    with torch.no_grad():
        x = transforms.normalize(image(), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        got = encoder(image(), encoder.spec.layers)
        for index, layer in enumerate(reference):
            # An in-place ReLU would overwrite the convolution's output before it is compared.
            x = F.relu(x) if isinstance(layer, torch.nn.ReLU) else layer(x)
            torch.testing.assert_close(got[encoder.spec.layers[index]], x, rtol=1e-5, atol=1e-5)
    assert len(encoder.spec.layers) == len(reference)


def test_key_names_are_torchvisions():
    keys = set(get_model("vgg11", weights=None, num_classes=1, init_weights=False).state_dict())
    for prefix in feature_keys(encoder_specs()["vgg11"]).values():
        assert f"{prefix}.weight" in keys


def test_caffe_preprocessing():
    spec = replace(encoder_specs()["vgg19"], preprocessing="caffe")
    encoder = Encoder(spec)
    with torch.no_grad():
        got = encoder.preprocess(image())
    mean = torch.tensor([123.68, 116.779, 103.939])[None, :, None, None]
    torch.testing.assert_close(got, image() * 255 - mean, rtol=1e-5, atol=1e-3)


def quarter_state() -> dict[str, torch.Tensor]:
    encoder = Encoder(encoder_specs()["vgg19-quarter"])
    generator = torch.Generator().manual_seed(1)
    state = {}
    for name in encoder.spec.convolutions[:13]:
        conv = encoder.convolution(name)
        state[f"{name}.weight"] = torch.randn(conv.weight.shape, generator=generator) * 0.1
        state[f"{name}.bias"] = torch.randn(conv.weight.shape[0], generator=generator) * 0.1
    state["preprocess.weight"] = torch.randn(3, 3, 1, 1, generator=generator)
    state["preprocess.bias"] = torch.randn(3, generator=generator)
    state["aux1_1.weight"] = torch.zeros(64, 16, 1, 1)
    return state


def test_quarter_width_network_equals_a_plain_reading(tmp_path):
    state = quarter_state()
    path = tmp_path / "quarter.safetensors"
    save_file(state, path, metadata={"origin": "a test"})
    loaded = load_encoder("vgg19-quarter", path)
    assert loaded.origin == "a test"
    assert loaded.encoder.spec.convolutions[-1] == "conv5_1"
    x = F.conv2d(image(), state["preprocess.weight"], state["preprocess.bias"])
    expected = {}
    for name in loaded.encoder.spec.convolutions:
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2)
        x = F.conv2d(
            F.pad(x, (1, 1, 1, 1), "reflect"), state[f"{name}.weight"], state[f"{name}.bias"]
        )
        expected[name] = x
        x = F.relu(x)
    got = loaded.encoder(image(), expected)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value)


def test_a_file_that_ends_early_gives_the_leading_layers():
    spec = encoder_specs()["vgg19"]
    full = Encoder(spec)
    names = spec.convolutions[:8]
    keys = feature_keys(spec)
    state = {}
    for name in names:
        state[f"{keys[name]}.weight"] = full.convolution(name).weight
        state[f"{keys[name]}.bias"] = full.convolution(name).bias
    encoder = encoder_from_state(spec, state)
    assert encoder.spec.convolutions[-1] == "conv3_4"
    with pytest.raises(UnknownLayerError, match=r"conv4_2.*relu3_4"):
        encoder(image(), ["conv4_2"])


def test_layers_are_run_no_deeper_than_needed():
    encoder = Encoder(encoder_specs()["vgg11"])
    assert set(encoder(image(4), ["relu1_1", "conv2_1"])) == {"relu1_1", "conv2_1"}
    with pytest.raises(ValueError, match=r"4 x 4 px is too small.*pool3"):
        encoder(image(4), ["relu4_1"])


def test_parameters_are_frozen_and_gradients_reach_the_image():
    encoder = Encoder(encoder_specs()["vgg11"])
    x = image(16).requires_grad_()
    encoder(x, ["relu2_1"])["relu2_1"].sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(not p.requires_grad for p in encoder.parameters())


def test_unusable_weights_are_refused_with_the_reason(tmp_path):
    with pytest.raises(EncoderFileError, match="vgg12"):
        load_encoder("vgg12", tmp_path / "x.safetensors")
    with pytest.raises(EncoderFileError, match="does not exist"):
        load_encoder("vgg19", tmp_path / "x.safetensors")
    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"not a safetensors file at all")
    with pytest.raises(EncoderFileError, match=r"junk\.safetensors"):
        load_encoder("vgg19", junk)
    other = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(1)}, other)
    with pytest.raises(EncoderFileError, match="no weights of vgg19"):
        load_encoder("vgg19", other)
    state = quarter_state()
    state["conv1_2.weight"] = torch.zeros(3, 3, 3, 3)
    wrong = tmp_path / "wrong.safetensors"
    save_file(state, wrong)
    with pytest.raises(EncoderFileError, match=r"conv1_2\.weight has shape"):
        load_encoder("vgg19-quarter", wrong)


def test_widths_are_those_that_the_file_declares(tmp_path):
    narrow = Encoder(replace(encoder_specs()["compact"], blocks=((5, 7), (3,))))
    state = {
        f"{name}.{part}": getattr(narrow.convolution(name), part).clone()
        for name in narrow.spec.convolutions
        for part in ("weight", "bias")
    }
    path = tmp_path / "narrow.safetensors"
    save_file(state, path, {"channels": "[[5, 7], [3]]"})
    encoder = load_encoder("compact", path).encoder
    assert encoder.spec.blocks == narrow.spec.blocks
    torch.testing.assert_close(
        encoder(image(), ["relu2_1"])["relu2_1"], narrow(image(), ["relu2_1"])["relu2_1"]
    )
    for told in ("[[5, 7], [0]]", "[[5, 7], [513]]", "[]", "[[]]", "5", "[[5], [7], 3]", "nothing"):
        save_file(state, path, {"channels": told})
        with pytest.raises(EncoderFileError, match="no list of channels per block"):
            load_encoder("compact", path)
    save_file(state, path, {"channels": "[[5, 8], [3]]"})
    with pytest.raises(EncoderFileError, match="has shape"):
        load_encoder("compact", path)


def test_state_dicts_never_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    path = tmp_path / "evil.pth"
    torch.save({"features.0.weight": Evil()}, path)
    with pytest.raises(EncoderFileError, match=r"evil\.pth"):
        load_encoder("vgg19", path)
    assert not (tmp_path / "owned").exists()
