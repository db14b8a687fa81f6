"""How the learning rate increases, over how many batches, and the error if these are too few."""

import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import several_batches_an_execution, tensorflow_data
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of


def sweep(model, *data, finder=None, **arguments):
    finder = LRFinder(None, **{"start_lr": 1e-4, "end_lr": 0.1, "stop": None, "verbose": 0} | (finder or {}))
    finder.history = model.fit(*data, shuffle=False, verbose=0, callbacks=[finder], **arguments).history
    return finder


@pytest.mark.parametrize(
    ("ramp", "expected"),
    [("exponential", np.geomspace(1e-4, 0.1, 12)), ("linear", np.linspace(1e-4, 0.1, 12))],
)
def test_the_recorded_rates_are_the_ramp_in_float32(ramp, expected):
    finder = sweep(small_model(), *regression_data(), batch_size=8, finder={"num_steps": 12, "ramp": ramp})
    assert np.array_equal(finder.sweep.learning_rate, expected.astype("float32"))
    assert finder.stop_reason == "completed"


class TestPerEpoch:
    def test_the_epochs_loss_is_the_row(self):
        x, y = regression_data()
        model = small_model("sgd")
        finder = sweep(
            model, x, y, batch_size=16, epochs=5, finder={"per": "epoch", "num_steps": 5, "restore": False}
        )
        twin = small_model("sgd")
        rates = np.repeat(finder.sweep.learning_rate, 6)
        losses = replay(twin, batches_of(x, y, epochs=5), rates)
        assert finder.sweep.loss == pytest.approx(losses.reshape(5, 6).mean(axis=1), rel=1e-5)
        assert finder.sweep.loss == pytest.approx(finder.history["loss"], rel=1e-6)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), twin.get_weights(), strict=True))

    def test_the_usual_form_of_a_schedule_by_epoch(self):
        """`1e-4 * 10 ** (epoch / 20)`."""
        finder = sweep(
            small_model(),
            *regression_data(32),
            epochs=40,
            finder={"per": "epoch", "num_steps": 40, "end_lr": 1e-4 * 10 ** (39 / 20)},
        )
        assert finder.sweep.learning_rate == pytest.approx(1e-4 * 10 ** (np.arange(40) / 20), rel=1e-6)

    def test_the_validation_loss_of_fit_is_recorded(self):
        data = regression_data()
        finder = sweep(
            small_model(), *data, epochs=4, validation_data=data, finder={"per": "epoch", "num_steps": 4}
        )
        assert finder.sweep.validation_loss == pytest.approx(finder.history["val_loss"], rel=1e-6)

    def test_the_model_is_restored(self):
        model = small_model()
        model.fit(*regression_data(), verbose=0)
        before = state_of(model)
        sweep(model, *regression_data(), epochs=4, finder={"per": "epoch", "num_steps": 4})
        assert same_state(before, state_of(model))

    def test_none_takes_every_epoch(self):
        finder = sweep(
            small_model(), *regression_data(), epochs=6, finder={"per": "epoch", "num_steps": None}
        )
        assert len(finder.sweep) == 6

    def test_too_few_epochs(self):
        with pytest.raises(ValueError, match=r"needs 10 epochs, but `fit\(\)` only has 4\. Pass epochs=10"):
            sweep(small_model(), *regression_data(), epochs=4, finder={"per": "epoch", "num_steps": 10})

    def test_nan_ends_the_epoch_early(self):
        x, y = regression_data()
        x[40:48] = np.nan
        batches = []
        spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
        finder = LRFinder(None, 1e-4, 0.1, 4, per="epoch", verbose=0)
        small_model().fit(x, y, batch_size=8, shuffle=False, epochs=4, verbose=0, callbacks=[finder, spy])
        assert finder.stop_reason == "non_finite"
        assert len(finder.sweep) == 1
        assert len(batches) == 6


class TestLength:
    def test_none_spans_the_fit(self):
        finder = sweep(
            small_model(), *regression_data(96), batch_size=16, epochs=3, finder={"num_steps": None}
        )
        assert len(finder.sweep) == 18
        assert finder.stop_reason == "completed"

    def test_none_counts_steps_of_several_batches(self):
        arguments = {"num_steps": None, "batches_per_step": 4}
        finder = sweep(small_model(), *regression_data(96), batch_size=16, epochs=3, finder=arguments)
        assert len(finder.sweep) == 4

    def test_none_asks_for_a_number_where_the_length_is_not_known(self):
        data = (
            tensorflow_data().Dataset.from_tensor_slices(regression_data()).batch(8).filter(lambda x, y: True)
        )
        with pytest.raises(ValueError, match=r"known number of batches\. Pass `num_steps` to `LRFinder`"):
            sweep(small_model(), data, finder={"num_steps": None})

    @pytest.mark.parametrize(
        ("epochs", "initial_epoch", "needed"), [(2, 0, 9), (4, 0, 9), (12, 10, 19)], ids=["2", "4", "from 10"]
    )
    def test_too_short_names_the_epochs_to_pass(self, epochs, initial_epoch, needed):
        data = regression_data(96)  # 6 batches an epoch; 50 steps are 9 epochs
        arguments = {"batch_size": 16, "initial_epoch": initial_epoch, "finder": {"num_steps": 50}}
        batches = []
        spy = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: batches.append(batch))
        finder = LRFinder(None, num_steps=50, verbose=0)
        with pytest.raises(ValueError, match=rf"Pass epochs={needed} to `fit\(\)`"):
            small_model().fit(
                *data,
                batch_size=16,
                epochs=epochs,
                initial_epoch=initial_epoch,
                verbose=0,
                callbacks=[finder, spy],
            )
        assert not batches
        finder = sweep(small_model(), *data, epochs=needed, **arguments)
        assert len(finder.sweep) == 50

    def test_initial_epoch(self):
        arguments = {"epochs": 7, "initial_epoch": 5, "batch_size": 16}
        finder = sweep(small_model(), *regression_data(96), finder={"num_steps": 12}, **arguments)
        assert finder.sweep.step.tolist() == list(range(12))
        assert len(finder.history["loss"]) == 2

    def test_an_endless_generator(self):
        def batches():
            while True:
                yield regression_data(8)

        finder = sweep(small_model(), batches(), finder={"num_steps": 20})
        assert (len(finder.sweep), finder.stop_reason) == (20, "completed")

    def test_an_endless_dataset_over_epochs_that_it_does_not_need(self):
        data = tensorflow_data().Dataset.from_tensor_slices(regression_data(64)).batch(8).repeat()
        finder = sweep(small_model(), data, steps_per_epoch=8, epochs=10**6, finder={"num_steps": 20})
        assert (len(finder.sweep), finder.stop_reason) == (20, "completed")
        assert len(finder.history["loss"]) == 3

    def test_a_generator_that_ends_leaves_an_incomplete_ramp_and_says_so(self):
        batches = (regression_data(8, seed=seed) for seed in range(5))
        with pytest.warns(UserWarning, match="sweep is incomplete: training ended after 5 of 20 steps"):
            finder = sweep(small_model(), batches, finder={"num_steps": 20})
        assert finder.stop_reason == "incomplete"
        assert len(finder.sweep) == 5
        assert finder.sweep.learning_rate[4] == np.float32(np.geomspace(1e-4, 0.1, 20)[4])

    def test_a_dataset_that_gives_less_than_it_promised(self):
        data = tensorflow_data().Dataset.from_tensor_slices(regression_data(40)).batch(8)
        with pytest.warns(UserWarning, match="incomplete: training ended after 5 of 20 steps"):
            finder = sweep(small_model(), data, steps_per_epoch=25, finder={"num_steps": 20})
        assert finder.stop_reason == "incomplete"

    def test_another_callback_that_stops_the_fit(self):
        model = small_model()
        stop = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: setattr(model, "stop_training", batch >= 3)
        )
        finder = LRFinder(None, num_steps=12, verbose=0)
        with pytest.warns(UserWarning, match="incomplete"):
            model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder, stop])
        assert (len(finder.sweep), finder.stop_reason) == (4, "incomplete")

    def test_no_epoch_at_all(self):
        model = small_model()
        model.fit(*regression_data(), verbose=0)
        before = state_of(model)
        with pytest.warns(UserWarning, match="incomplete"):
            finder = sweep(model, *regression_data(), epochs=0)
        assert (len(finder.sweep), finder.stop_reason) == (0, "incomplete")
        assert finder.suggestion.learning_rate is None
        assert same_state(before, state_of(model))

    def test_a_complete_ramp_says_nothing(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            sweep(small_model(), *regression_data(), batch_size=8, finder={"num_steps": 12})

    @several_batches_an_execution
    def test_more_batches_an_execution_than_the_ramp_has(self):
        """The ramp ends within the execution: what comes after is not recorded."""
        model = small_model(steps_per_execution=12)
        finder = sweep(model, *regression_data(), batch_size=8, finder={"num_steps": 5})
        assert finder.sweep.step.tolist() == [0, 1, 2, 3, 4]
        assert finder.stop_reason == "completed"
