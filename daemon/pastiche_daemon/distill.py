"""Training the compact encoder: a small VGG that predicts the features of large ones.

Knowledge distillation by linear embedding: Wang et al., "Collaborative Distillation for
Ultra-Resolution Universal Style Transfer", CVPR 2020, section 3.2. A 1x1 convolution per layer maps
the student's channels to the teacher's; it is thrown away afterwards.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import conv2d

from pastiche_daemon.checkpoints import (
    CHECKPOINT,
    description_of,
    read_checkpoint,
    write_checkpoint,
)
from pastiche_daemon.nn.encoder import METRIC_KEY, Encoder, encoder_specs
from pastiche_daemon.nn.feature_metric import feature_metric
from pastiche_daemon.nn.losses import gram_matrix
from pastiche_daemon.nn.mean_activation import scale_to_mean_activation
from pastiche_daemon.nn.objective import wide
from pastiche_daemon.nn.runtime import Precision, channels_last, dtype_of
from pastiche_daemon.nn.silent_channels import drop_silent_channels
from pastiche_daemon.photographs import RandomCrops
from pastiche_daemon.training_schedule import (
    TrainingError,
    check_loss,
    check_schedule,
    falling_rate,
    update_average,
)

STUDENT = "compact"


@dataclass(frozen=True)
class Teacher:
    """An encoder, and the layers at which the student learns from it."""

    encoder: Encoder
    layers: tuple[str, ...]


@dataclass(frozen=True)
class DistillConfig:
    """What decides the student, besides the photographs and the teachers.

    The loss is the mean over the teachers' layers of ||A f + b - t||^2 / ||t||^2 with the
    student's features f and the teacher's t. The learning rate is constant and falls to zero as a
    half cosine over the last ``decay`` of the steps; weights are averaged as in `train`.
    """

    steps: int = 10_000
    batch_size: int = 4
    crop_size: int = 224
    learning_rate: float = 1e-3
    decay: float = 0.5
    average: float = 0.998
    seed: int = 0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_schedule(self, 64)


class DistillReport(NamedTuple):
    """One finished step; ``errors`` are the relative squared errors per layer."""

    step: int
    loss: float
    errors: dict[str, float]
    seconds: float

    def terms(self) -> dict[str, float]:
        """The loss and its parts by name."""
        return {"loss": self.loss, **self.errors}


class Distilled(NamedTuple):
    """What was learned, as the files hold it: rounded to half precision.

    ``heads``, as ``aux4_1.weight`` and ``.bias``, map the encoder's features to the teachers'
    channels, so that others can check what was learned. ``metrics``, as ``metric.relu4_1``, make
    the encoder's features as far apart as the teachers': see `feature_metric`.
    """

    encoder: Encoder
    heads: dict[str, Tensor]
    metrics: dict[str, Tensor]

    def tensors(self) -> dict[str, Tensor]:
        """The encoder's convolutions and metrics by name, in half precision."""
        found: dict[str, Tensor] = {}
        for name in self.encoder.spec.convolutions:
            conv = self.encoder.convolution(name)
            assert conv.bias is not None
            found |= {f"{name}.weight": conv.weight, f"{name}.bias": conv.bias}
        return _halved(found) | self.metrics

    @torch.no_grad()
    def predict(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """The teachers' feature maps at ``layers`` for N x 3 x H x W in 0..1, in float32."""
        predicted: dict[str, Tensor] = {}
        for layer, maps in self.encoder(image, layers).items():
            weight, bias = (self.heads[f"aux{layer[4:]}.{part}"] for part in ("weight", "bias"))
            predicted[layer] = conv2d(maps, weight.float(), bias.float())
        return predicted


class _Learner(nn.Module):
    """The student with its heads; `forward` predicts the teachers' layers.

    What a head gives is multiplied by its layer's root mean square, ``scales``: a teacher's
    features may be in the hundreds, which Adam's steps, alike for all weights, would take thousands
    to reach.
    """

    scales: Tensor

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__()
        self.student = Encoder(encoder_specs()[STUDENT])
        self.student.check_layers(widths)
        for name in self.student.spec.convolutions:
            conv = self.student.convolution(name)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
            conv.requires_grad_(requires_grad=True)
        self.heads = nn.ModuleDict(
            {
                layer: nn.Conv2d(self.student.convolution(_conv_of(layer)).out_channels, width, 1)
                for layer, width in widths.items()
            }
        )

        self.register_buffer("scales", torch.ones(len(widths)))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = self.student(image, list(self.heads))
        return {
            layer: head(features[layer]) * scale.to(image.dtype)
            for (layer, head), scale in zip(self.heads.items(), self.scales, strict=True)
        }


class Distillation:
    """One run in its folder: new, or continued from its checkpoint.

    ``fingerprint`` is JSON-like data that must be the same when a run is continued. Raises
    `TrainingError` where two teachers share a layer or a checkpoint belongs to another run.
    """

    def __init__(
        self,
        config: DistillConfig,
        teachers: Sequence[Teacher],
        crops: RandomCrops,
        folder: Path,
        *,
        fingerprint: Mapping[str, Any],
    ) -> None:
        self.config = config
        self.folder = folder
        self._crops = crops
        self._dtype = dtype_of(config.precision)
        self._fingerprint = json.loads(json.dumps(fingerprint))
        widths: dict[str, int] = {}
        for teacher in teachers:
            teacher.encoder.check_layers(teacher.layers)
            for layer in teacher.layers:
                if layer in widths:
                    raise TrainingError(f"teachers: two of them teach {layer}; give it to one")
                widths[layer] = teacher.encoder.convolution(_conv_of(layer)).out_channels
        if not widths:
            raise TrainingError("teachers: give at least one layer")
        self._teachers = [
            Teacher(channels_last(teacher.encoder.to(self._dtype)), teacher.layers)
            for teacher in teachers
        ]
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self._learner = channels_last(_Learner(widths))
        trained = [p for p in self._learner.parameters() if p.requires_grad]
        self._optimizer = torch.optim.Adam(trained, lr=config.learning_rate, fused=True)
        self._average: dict[str, Tensor] = {}
        self.step = 0
        self.seconds = 0.0
        if (folder / CHECKPOINT).exists():
            self._restore()
        else:
            self._set_scales()

    def steps(self, *, checkpoint_seconds: float = 180.0) -> Iterator[DistillReport]:
        """Run the remaining steps, yielding after each; saves now and then and at the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        saved = time.monotonic()
        while self.step < self.config.steps:
            yield self._run_step()
            if time.monotonic() - saved >= checkpoint_seconds:
                self.save()
                saved = time.monotonic()
        self.save()

    @torch.no_grad()
    def gram_cosines(self, learned: Distilled, image: Tensor) -> dict[str, float]:
        """Per layer, the cosine of the predicted Gram matrix and the teacher's for one image.

        ``image`` is 1 x 3 x H x W in 0..1.
        """
        cosines: dict[str, float] = {}
        for teacher in self._teachers:
            encoder = copy.deepcopy(teacher.encoder).float()
            predicted = learned.predict(image, teacher.layers)
            for layer, target in encoder(image, teacher.layers).items():
                cosines[layer] = gram_cosine(predicted[layer], target).item()
        return cosines

    def finished(self, photographs: Sequence[Tensor]) -> Distilled:
        """The averaged encoder and its heads.

        Channels that hardly fire on ``photographs`` are left out, the others are scaled to a mean
        activation of 1 over them.
        """
        learner = self._averaged()
        trimmed = drop_silent_channels(learner.student, photographs)
        scaled = scale_to_mean_activation(trimmed.encoder, photographs)
        heads: dict[str, Tensor] = {}
        metrics: dict[str, Tensor] = {}
        means = self._mean_activations(photographs)
        for (layer, head), size in zip(learner.heads.items(), learner.scales, strict=True):
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            conv = _conv_of(layer)
            weight = head.weight[:, trimmed.kept[conv]]
            scale = scaled.scales[conv].float()
            weight = size * weight / scale[None, :, None, None]
            heads[f"aux{layer[4:]}.weight"] = weight
            heads[f"aux{layer[4:]}.bias"] = size * head.bias
            metrics[f"{METRIC_KEY}{layer}"] = feature_metric(weight.flatten(1), means[layer])
        return Distilled(scaled.encoder.half().float(), _halved(heads), _halved(metrics))

    def _mean_activations(self, photographs: Sequence[Tensor]) -> dict[str, float]:
        """The mean of every layer of the teachers over N x 3 x H x W each."""
        sums = dict.fromkeys(self._learner.heads, 0.0)
        for images in photographs:
            for layer, features in self._targets(images.to(self._dtype)).items():
                sums[layer] += wide(features).abs().mean().item()
        return {layer: total / len(photographs) for layer, total in sums.items()}

    def _averaged(self) -> _Learner:
        learner = copy.deepcopy(self._learner)
        learner.load_state_dict(self._average)
        return learner.eval().requires_grad_(requires_grad=False)

    def save(self) -> None:
        """Write the checkpoint."""
        write_checkpoint(
            self.folder,
            {
                "step": self.step,
                "seconds": self.seconds,
                "learner": self._learner.state_dict(),
                "average": self._average,
                "optimizer": self._optimizer.state_dict(),
                "description": self._description(),
            },
        )

    def _description(self) -> str:
        config = {k: v for k, v in asdict(self.config).items() if k != "steps"}
        return description_of(config, self._fingerprint)

    def _restore(self) -> None:
        saved, _ = read_checkpoint(
            self.folder, self._description(), torch.device("cpu"), lambda *_: ()
        )
        self.step, self.seconds = saved["step"], saved["seconds"]
        self._learner.load_state_dict(saved["learner"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._average = saved["average"]

    def _set_scales(self) -> None:
        images = self._crops.batch(0, self.config.batch_size).to(self._dtype)
        targets = self._targets(images)
        sizes = [wide(targets[layer]).square().mean().sqrt() for layer in self._learner.heads]
        smallest = torch.finfo(torch.float32).tiny
        self._learner.scales.copy_(torch.stack(sizes).clamp_min(smallest))
        self._average = {k: v.detach().clone() for k, v in self._learner.state_dict().items()}

    @torch.no_grad()
    def _targets(self, images: Tensor) -> dict[str, Tensor]:
        targets: dict[str, Tensor] = {}
        for teacher in self._teachers:
            targets |= teacher.encoder(images, teacher.layers)
        return targets

    def _run_step(self) -> DistillReport:
        started = time.monotonic()
        config = self.config
        images = self._crops.batch(self.step, config.batch_size).to(self._dtype)
        rate = falling_rate(config.learning_rate, self.step, config.steps, config.decay)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        parameters = {k: v.to(self._dtype) for k, v in self._learner.named_parameters()}
        predicted = functional_call(self._learner, parameters, (images,))
        errors = {
            layer: relative_error(wide(predicted[layer]), wide(target))
            for layer, target in self._targets(images).items()
        }
        loss = torch.stack(list(errors.values())).mean()
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        check_loss(loss, self.step)
        self._optimizer.step()
        self.step += 1
        update_average(self._average, self._learner, config.average, self.step)
        self.seconds += time.monotonic() - started
        return DistillReport(
            self.step, loss.item(), {k: v.item() for k, v in errors.items()}, self.seconds
        )


def _halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}


def relative_error(predicted: Tensor, target: Tensor) -> Tensor:
    """||p - t||^2 / ||t||^2, a scalar."""
    size = target.square().sum().clamp_min(torch.finfo(target.dtype).tiny)
    return (predicted - target).square().sum() / size


def gram_cosine(predicted: Tensor, target: Tensor) -> Tensor:
    """Cosine between the Gram matrices of two feature maps, N x C x H x W; N values."""
    a, b = (gram_matrix(features, "hw").flatten(1) for features in (predicted, target))
    return torch.nn.functional.cosine_similarity(a, b)


def _conv_of(layer: str) -> str:
    """The convolution that makes a layer: ``relu4_1`` and ``conv4_1`` to ``conv4_1``."""
    if not layer.startswith(("relu", "conv")):
        raise TrainingError(f"teachers: {layer!r} is no conv or relu layer")
    return f"conv{layer[4:]}"
