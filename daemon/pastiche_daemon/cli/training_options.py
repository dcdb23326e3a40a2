"""The options that describe a training, declared once for every command that trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from pastiche_daemon.cli.parameters import FiniteRange
from pastiche_daemon.nn.loss_switches import (
    ContentNormalization,
    Distance,
    StatisticKind,
    StatisticNormalization,
)
from pastiche_daemon.nn.transformer_switches import Norm, Output, Padding, Upsampling, ValueRange

if TYPE_CHECKING:
    from pastiche_daemon.train import TrainConfig
    from pastiche_daemon.training_presets import TrainingPreset

_Command = TypeVar("_Command", bound=Callable[..., Any])

PRESETS = ("pastiche", "johnson", "ulyanov", "dumoulin", "pytorch-examples")


class _Widths(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    name = "A,B,C"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
            self.fail("expected three widths such as 16,32,64", param, ctx)
        full, half, quarter = (int(part) for part in parts)
        return full, half, quarter


class _Layer(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    name = "LAYER[:WEIGHT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        name, _, number = str(value).partition(":")
        try:
            return name, float(number or 1)
        except ValueError:
            self.fail(f"{value!r}: what follows the colon is no number", param, ctx)


@dataclass(frozen=True)
class Switch:
    """An option and the field of `train.TrainConfig` that it sets, such as ``weights.content``.

    ``default`` is what the help says; what is not given stays as in the preset. Options that may be
    given several times are mappings.
    """

    option: str
    field: str
    type: click.ParamType  # pyright: ignore[reportMissingTypeArgument]
    default: str
    help: str
    several: bool = False

    @property
    def parameter(self) -> str:
        """The name of click's parameter."""
        return self.field.replace(".", "_")


def _choice(literal: Any) -> click.Choice[str]:
    return click.Choice(list(get_args(literal)))


def switches() -> tuple[Switch, ...]:
    """All of them, in the order of the help."""
    layers = _Layer()
    return (
        Switch("--steps", "steps", click.IntRange(1), "10000", "Steps in all."),
        Switch("--batch-size", "batch_size", click.IntRange(1), "4", "Crops of a step."),
        Switch(
            "--crop", "crop_size", click.IntRange(32), "256", "Side of the random crops in pixels."
        ),
        Switch(
            "--channels",
            "spec.channels",
            _Widths(),
            "16,32,64",
            "Widths of the network at full, half and quarter resolution.",
        ),
        Switch("--blocks", "spec.residual_blocks", click.IntRange(0), "5", "Residual blocks."),
        Switch(
            "--upsampling",
            "spec.upsampling",
            _choice(Upsampling),
            "bilinear",
            "Transposed convolutions, or resize, then convolve.",
        ),
        Switch(
            "--norm",
            "spec.norm",
            _choice(Norm),
            "conditional_instance",
            "Of the features; batch and instance are for one style.",
        ),
        Switch("--padding", "spec.padding", _choice(Padding), "reflect", "Of the convolutions."),
        Switch(
            "--network-output",
            "spec.output",
            _choice(Output),
            "sigmoid",
            "What makes pixels of the last convolution; tanh is scaled.",
        ),
        Switch(
            "--value-range",
            "spec.value_range",
            _choice(ValueRange),
            "0..1",
            "Of the pixels that the network takes, and of a linear output.",
        ),
        Switch(
            "--content-layer",
            "weights.content_layers",
            layers,
            "relu4_2",
            "Layer of the content loss, with an optional weight: relu3_3 or relu3_3:0.5.",
            several=True,
        ),
        Switch(
            "--style-layer",
            "weights.style_layers",
            layers,
            "relu1_1, relu2_1, relu3_1, relu4_1, relu5_1",
            "Likewise for the style loss.",
            several=True,
        ),
        Switch(
            "--content-weight",
            "weights.content",
            click.FLOAT,
            "0.1",
            "Alpha. Larger: the photograph is easier to recognise.",
        ),
        Switch(
            "--style-weight", "weights.style", click.FLOAT, "1", "Beta. Larger: more of the style."
        ),
        Switch("--tv-weight", "weights.tv", click.FLOAT, "2", "Larger: smoother areas."),
        Switch(
            "--tv-exponent", "weights.tv_exponent", click.FLOAT, "2", "Of total variation; 1: L1."
        ),
        Switch(
            "--content-distance",
            "weights.content_distance",
            _choice(Distance),
            "l2",
            "Squared or absolute differences of features.",
        ),
        Switch(
            "--content-normalization",
            "weights.content_normalization",
            _choice(ContentNormalization),
            "johnson",
            "Mean of the differences, or half of their sum.",
        ),
        Switch(
            "--style-statistic",
            "weights.statistic.kind",
            _choice(StatisticKind),
            "gram",
            "What the style is taken to be.",
        ),
        Switch(
            "--style-distance",
            "weights.statistic.distance",
            _choice(Distance),
            "l2",
            "Squared or absolute differences of statistics.",
        ),
        Switch(
            "--style-normalization",
            "weights.statistic.normalization",
            _choice(StatisticNormalization),
            "target",
            "What they are divided by.",
        ),
        Switch(
            "--grid-weight",
            "grid",
            click.FLOAT,
            "100",
            "Weight of a loss against patterns of the network's own period of 4 px.",
        ),
        Switch(
            "--learning-rate", "learning_rate", click.FLOAT, "0.001", "Adam's; it falls at the end."
        ),
        Switch(
            "--decay",
            "decay",
            click.FloatRange(0, 1),
            "0.3",
            "Share of the steps in which it falls.",
        ),
        Switch("--seed", "seed", click.IntRange(0), "0", "Of the first weights and the crops."),
    )


def training_options(command: _Command) -> _Command:
    """Give a command the preset and all switches."""
    for switch in reversed(switches()):
        command = click.option(
            switch.option,
            switch.parameter,
            type=switch.type,
            multiple=switch.several,
            help=f"{switch.help}  [default: {switch.default}]",
        )(command)
    return click.option(
        "--like",
        type=click.Choice(PRESETS),
        default=PRESETS[0],
        show_default=True,
        help="Begin with a training of the literature; what is given beside it counts.",
    )(command)


def run_options(command: _Command) -> _Command:
    """Give a command how a training runs: where, how precisely, and what it writes meanwhile."""
    options = (
        click.option("--device", help="cpu, cuda or mps. Default: the best of this machine."),
        click.option(
            "--precision",
            type=click.Choice(["float32", "bfloat16"]),
            help="Default: bfloat16 where the device multiplies it in hardware.",
        ),
        click.option(
            "--checkpoint-minutes",
            type=FiniteRange(0),
            default=3.0,
            show_default=True,
            help="Time between checkpoints.",
        ),
        click.option(
            "--sample-every",
            type=click.IntRange(0),
            default=500,
            show_default=True,
            help="Steps between sample pictures and loss curves; 0: none.",
        ),
        click.option("--resume", is_flag=True, help="Continue from the checkpoint in the folder."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def given_switches(options: Mapping[str, Any]) -> list[Switch]:
    """Those that stand on the command line."""
    return [switch for switch in switches() if options[switch.parameter] not in (None, ())]


def chosen_preset(options: Mapping[str, Any]) -> TrainingPreset:
    """The preset that was named."""
    from pastiche_daemon.training_presets import training_presets

    return training_presets()[options["like"]]


def chosen_config(options: Mapping[str, Any]) -> TrainConfig:
    """The preset with what was given beside it.

    Raises `TrainingError`, naming the field, where a value makes no sense.
    """
    from pastiche_daemon.training_schedule import TrainingError

    given: dict[str, dict[str, Any]] = {}
    for switch in given_switches(options):
        value = options[switch.parameter]
        section, _, name = switch.field.rpartition(".")
        given.setdefault(section, {})[name] = dict(value) if switch.several else value
    config = chosen_preset(options).config
    try:
        statistic = replace(config.weights.statistic, **given.get("weights.statistic", {}))
        return replace(
            config,
            spec=replace(config.spec, **given.get("spec", {})),
            weights=replace(config.weights, statistic=statistic, **given.get("weights", {})),
            **given.get("", {}),
        )
    except TrainingError:
        raise
    except ValueError as error:
        raise TrainingError(str(error)) from error
