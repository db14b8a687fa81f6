"""`find_lr(batch_sizes=[...])`: a sweep of each batch size, and the power law."""

import keras
import pytest

from tb_lrfinder import BatchSizeSweeps, find_lr, read_log_dir
from tests.keras.backends import BACKEND, tensorflow_data
from tests.keras.replay import regression_data, same_state, small_model, state_of

X, Y = regression_data(512)
RAMP = {"start_lr": 1e-4, "end_lr": 10.0, "num_steps": 40}


def by_size(model, sizes=(16, 64, 256), **arguments):
    return find_lr(model, X, Y, batch_sizes=sizes, **RAMP | {"verbose": 0} | arguments)


def test_a_sweep_of_each_size(tmp_path):
    model = small_model("sgd")
    before = state_of(model)
    sizes = by_size(model, (64, 16, 256), log_dir=tmp_path)
    assert [row.batch_size for row in sizes.rows] == [16, 64, 256]
    assert same_state(before, state_of(model))
    assert model.optimizer.built is (BACKEND != "tensorflow")  # elsewhere `fit` has built it
    for row in sizes.rows:
        (finder,) = sizes[row.batch_size].finders
        assert finder.log_dir == f"{tmp_path}/batch_size_{row.batch_size}"
        assert row.learning_rate == row.low == row.high == finder.suggestion.learning_rate
    assert {one.config["batch_size"] for one in read_log_dir(str(tmp_path))} == {16, 64, 256}


def test_with_repeats():
    sizes = by_size(small_model("sgd"), (16, 64), repeats=2)
    assert len(sizes) == 2
    for row in sizes.rows:
        sweeps = sizes[row.batch_size]
        assert len(sweeps) == 2
        assert (row.learning_rate, row.low, row.high) == (sweeps.learning_rate, sweeps.low, sweeps.high)
    assert sizes.exponent_error is not None


def test_the_power_law(tmp_path, capsys):
    sizes = by_size(small_model("sgd"), verbose=1, log_dir=tmp_path)
    shown = capsys.readouterr().out
    assert f"Written to {tmp_path}. The model was restored" in shown
    assert "/120" in shown
    assert repr(sizes) in shown
    assert sizes.exponent == sizes.law.exponent
    assert sizes.exponent_error == sizes.law.error
    assert sizes.learning_rate(128) == pytest.approx(sizes.law.coefficient * 128**sizes.exponent)
    lines = repr(sizes).splitlines()
    assert lines[0].split() == ["batch", "size", "learning", "rate", "low", "high", "sweeps"]
    assert lines[-1].startswith(f"learning_rate ~ batch_size ** {sizes.exponent:.2f} (standard error")
    assert "<table>" in sizes._repr_html_()


def test_the_suggestion_of_one_size_is_applied():
    model = small_model("sgd")
    sizes = by_size(model, (16, 64))
    assert sizes[64].apply() == pytest.approx(sizes.rows[1].learning_rate, rel=1e-6)


def test_without_suggestions_there_is_no_law():
    sizes = by_size(small_model("sgd"), (16, 64), start_lr=1e-9, end_lr=1e-8)
    assert sizes.exponent is sizes.exponent_error is sizes.law is None
    assert [row.learning_rate for row in sizes.rows] == [None, None]
    assert "No power law, because fewer than two batch sizes have a suggestion." in repr(sizes)
    with pytest.raises(ValueError, match="There is no power law"):
        sizes.learning_rate(32)


class TestRefused:
    @pytest.mark.parametrize("batch_sizes", [[], [0, 1], [32, 32], [513]])
    def test_sizes_out_of_range(self, batch_sizes):
        with pytest.raises(ValueError, match="`batch_sizes"):
            by_size(small_model(), batch_sizes)

    @pytest.mark.parametrize("batch_sizes", [32, "32", ["32"], [3.5], [None]])
    def test_no_list_of_integers(self, batch_sizes):
        with pytest.raises(TypeError, match="`batch_sizes"):
            by_size(small_model(), batch_sizes)

    def test_beside_batch_size(self):
        with pytest.raises(ValueError, match=r"takes the place of `batch_size`.*batch_size=32"):
            by_size(small_model(), batch_size=32)

    def test_a_dataset(self):
        dataset = tensorflow_data().Dataset.from_tensor_slices((X, Y)).batch(32)
        with pytest.raises(ValueError, match=r"`batch_sizes` must be None unless the data is arrays"):
            find_lr(small_model(), dataset, batch_sizes=[16, 32], verbose=0)

    def test_a_generator_and_a_py_dataset(self):
        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 4

            def __getitem__(self, index):
                return X[:8], Y[:8]

        for data in (Batches(), iter([(X[:8], Y[:8])])):
            with pytest.raises(ValueError, match=r"`batch_sizes` must be None unless the data is arrays"):
                find_lr(small_model(), data, batch_sizes=[16], verbose=0)

    def test_no_sweeps(self):
        with pytest.raises(ValueError, match="`sweeps` must be a dict of RepeatedSweeps"):
            BatchSizeSweeps({})
