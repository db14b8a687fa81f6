"""Learning-rate schedules: their peak, and the same schedule with a multiple of its learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import keras
import numpy as np
from keras.optimizers import schedules

from tb_lrfinder import checks
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.learning_rate import round_to_float32

_SCALED_ARGUMENTS: Final[dict[type, tuple[str, ...]]] = {
    schedules.CosineDecay: ("initial_learning_rate", "warmup_target"),
    schedules.CosineDecayRestarts: ("initial_learning_rate",),
    schedules.ExponentialDecay: ("initial_learning_rate",),
    schedules.InverseTimeDecay: ("initial_learning_rate",),
    schedules.PiecewiseConstantDecay: ("values",),
    schedules.PolynomialDecay: ("initial_learning_rate", "end_learning_rate"),
}
"""The arguments of Keras' own schedules that are learning rates."""

_NUM_SAMPLES: Final = 64
_LAST_SAMPLE: Final = 10**6
"""Last sampled step of a training of unknown length."""


@keras.saving.register_keras_serializable(package="tb_lrfinder")
class ScaledSchedule(schedules.LearningRateSchedule):
    """A learning-rate schedule that multiplies another one by a constant.

    `LRFinder.apply` sets it on an optimizer with a schedule that is not one of Keras' own, so that its peak
    is the suggested learning rate. The schedules of Keras are created anew instead, with other arguments.

    To load a saved model with such a schedule, import this class first, so that Keras can find it:

    ```python
    import keras
    from tb_lrfinder import ScaledSchedule

    schedule = ScaledSchedule(keras.optimizers.schedules.CosineDecay(0.1, 1000), 0.5)
    model.compile(keras.optimizers.Adam(schedule), "mse")
    model.save("model.keras")
    keras.models.load_model("model.keras")
    ```

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        factor: Float. What its learning rates are multiplied by.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.
    """

    def __init__(self, schedule: Any, factor: float) -> None:
        self.schedule = checks.check_instance(
            "schedule",
            schedule,
            schedules.LearningRateSchedule,
            "a keras.optimizers.schedules.LearningRateSchedule",
        )
        self.factor = checks.check_number("factor", factor, above=0)

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        return self.schedule(step) * self.factor

    def get_config(self) -> dict[str, Any]:
        """The arguments, with the schedule in its serialized form."""
        return {"schedule": schedules.serialize(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ScaledSchedule:
        """The schedule with the arguments that `get_config` returned."""
        schedule = config["schedule"]
        if isinstance(schedule, dict):
            schedule = schedules.deserialize(schedule)
        return cls(schedule, config["factor"])


def scaled(schedule: Any, factor: float) -> Any:
    """A schedule whose learning rates are those of another one, multiplied by a constant.

    Keras' own schedules are created anew from their configuration, so that a saved model only consists of
    classes of Keras. All others, also subclasses of these, are wrapped in a `ScaledSchedule`.
    """
    kind = type(schedule)
    if kind is ScaledSchedule:
        return ScaledSchedule(schedule.schedule, schedule.factor * factor)
    if kind not in _SCALED_ARGUMENTS:
        return ScaledSchedule(schedule, factor)
    config = schedule.get_config()
    for name in _SCALED_ARGUMENTS[kind]:
        config[name] = keras.tree.map_structure(
            lambda rate: None if rate is None else _as_float(rate) * factor, config[name]
        )
    return kind.from_config(config)


def peak(schedule: Any, num_steps: int | None = None) -> float:
    """The highest learning rate of a schedule, as the shortest decimal number that Keras rounds to it.

    It is exact for Keras' own schedules, which only turn at a few steps. Others are sampled, with more
    samples around the highest one.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        num_steps: Number of steps of the training; None if unknown. For Keras' schedules, None stands for
            the whole schedule, and if that grows without limit, as `CosineDecayRestarts` does with
            `m_mul > 1`, for its beginning.

    Raises:
        ValueError: If no learning rate is positive.
    """
    last = None if num_steps is None else max(num_steps - 1, 0)
    turns = _TURNS.get(type(schedule))
    if turns is None:
        highest = _sampled_peak(schedule, _LAST_SAMPLE if last is None else last)
    else:
        steps = [*turns(schedule.get_config(), last), *([] if last is None else [last])]
        highest = max(_rate_at(schedule, step) for step in _integers(steps, last))
    if not highest > 0:
        raise ValueError(
            f"The schedule {type(schedule).__name__} must have a positive learning rate"
            f"{'' if num_steps is None else f' in its first {num_steps} steps'}. Compile the model with "
            "another schedule, or with a float."
        )
    return highest


def has_schedule(optimizer: Any) -> bool:
    """Whether the learning rate of an optimizer, which is not a wrapper, is a schedule."""
    return isinstance(internals.own_learning_rate(optimizer), schedules.LearningRateSchedule)


def highest_rate(optimizer: Any, num_steps: int | None = None) -> float:
    """The learning rate of an optimizer, which is not a wrapper, or the peak of its schedule.

    Raises:
        ValueError: If it is a schedule without a positive learning rate.
    """
    if has_schedule(optimizer):
        return peak(internals.own_learning_rate(optimizer), num_steps)
    return round_to_float32(internals.current_learning_rate(optimizer))


def _rate_at(schedule: Any, step: int) -> float:
    # The optimizer passes a variable of this dtype.
    rate = keras.ops.convert_to_numpy(schedule(keras.ops.convert_to_tensor(step, dtype="int")))
    return round_to_float32(float(rate)) if np.isfinite(rate) else -math.inf


def _as_float(rate: Any) -> float:
    return float(keras.ops.convert_to_numpy(rate)) if keras.ops.is_tensor(rate) else float(rate)


# The steps at which a schedule of Keras may have its peak, from its configuration and the last step of the
# training, None if unknown. In between, it only increases or only decreases.


def _turns_of_endless_schedule(config: dict[str, Any], last: int | None) -> list[float]:
    return [0]


def _turns_of_polynomial(config: dict[str, Any], last: int | None) -> list[float]:
    return [0, config["decay_steps"]]


def _turns_of_cosine(config: dict[str, Any], last: int | None) -> list[float]:
    warmup = 0 if config["warmup_target"] is None else config["warmup_steps"]
    return [0, warmup, warmup + config["decay_steps"]]


def _turns_of_restarts(config: dict[str, Any], last: int | None) -> list[float]:
    """The beginnings of the first and of the last two periods."""
    if last is None:
        return [0]
    length, growth = float(config["first_decay_steps"]), float(config["t_mul"])
    starts = [0.0]
    if growth == 1:
        latest = length * (last // length)
        starts += [latest - length, latest]
    else:
        while length >= 1 and starts[-1] + length <= last:
            starts.append(starts[-1] + length)
            length *= growth
    # In float32, a period may begin a step late.
    return [0, *(start + delay for start in starts[-2:] for delay in (0, 1))]


def _turns_of_piecewise(config: dict[str, Any], last: int | None) -> list[float]:
    return [0, *(math.floor(boundary) + 1 for boundary in config["boundaries"])]


_TURNS: Final[dict[type, Callable[[dict[str, Any], int | None], list[float]]]] = {
    schedules.CosineDecay: _turns_of_cosine,
    schedules.CosineDecayRestarts: _turns_of_restarts,
    schedules.ExponentialDecay: _turns_of_endless_schedule,
    schedules.InverseTimeDecay: _turns_of_endless_schedule,
    schedules.PiecewiseConstantDecay: _turns_of_piecewise,
    schedules.PolynomialDecay: _turns_of_polynomial,
}


def _integers(steps: Iterable[float], last: int | None) -> set[int]:
    """The integers next to `steps`, from 0 to `last`."""
    rounded = {int(each) for step in steps for each in (math.floor(step), math.ceil(step))}
    return {max(0, step if last is None else min(step, last)) for step in rounded}


def _sampled_peak(schedule: Any, last: int) -> float:
    rates: dict[int, float] = {}
    # Many schedules change most at their beginning.
    wanted = {round(step) - 1 for step in np.geomspace(1, last + 1, _NUM_SAMPLES)}
    wanted |= _spread(0, last)
    while wanted - rates.keys():
        rates |= {step: _rate_at(schedule, step) for step in sorted(wanted - rates.keys())}
        sampled = sorted(rates)
        best = sampled.index(max(sampled, key=lambda step: rates[step]))
        before, after = sampled[max(best - 1, 0)], sampled[min(best + 1, len(sampled) - 1)]
        wanted = _spread(before, after)
    return max(rates.values())


def _spread(first: int, last: int) -> set[int]:
    return {round(step) for step in np.linspace(first, last, _NUM_SAMPLES)}
