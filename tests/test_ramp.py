import numpy as np
import pytest

from tb_lrfinder.analysis.ramp import ramp


def test_an_exponential_ramp_gives_every_decade_the_same_number_of_steps():
    rates = ramp(1e-4, 1.0, 41)
    assert rates[[0, 10, 20, 30, 40]] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0], rel=1e-12)
    assert np.allclose(np.diff(np.log10(rates)), 0.1)


def test_a_linear_ramp_adds_the_same_at_every_step():
    assert ramp(0.1, 0.5, 5, "linear") == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("shape", ["exponential", "linear"])
@pytest.mark.parametrize("num_steps", [2, 3, 100, 10_000])
def test_a_ramp_begins_and_ends_exactly_where_it_is_told_to(shape, num_steps):
    rates = ramp(3e-7, 7.0, num_steps, shape)
    assert len(rates) == num_steps
    assert rates[0] == 3e-7
    assert rates[-1] == 7.0
    assert (np.diff(rates) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((1e-3, 1e-4, 10), "`start_lr` must be less than `end_lr`.*start_lr=0.001, end_lr=0.0001"),
        ((1e-3, 1e-3, 10), "start_lr=0.001, end_lr=0.001"),
        ((0.0, 1.0, 10), "start_lr=0.0"),
        ((-1.0, 1.0, 10), "start_lr=-1.0"),
        ((1e-3, float("inf"), 10), "end_lr=inf"),
        ((1e-3, float("nan"), 10), "end_lr=nan"),
        ((1e-3, 1.0, 1), "num_steps=1"),
        ((1e-3, 1.0, 10, "cosine"), "one of 'exponential', 'linear'. Received: shape='cosine'"),
    ],
)
def test_what_is_no_ramp_is_refused_by_name_and_value(arguments, named):
    with pytest.raises(ValueError, match=named):
        ramp(*arguments)
