"""Files of losses as people have them, and what is said about those that hold no sweep."""

from __future__ import annotations

import numpy as np
import pytest

from tb_lrfinder.cli import losses_file
from tb_lrfinder.cli.losses_file import parse_losses

RATES, LOSSES = [1e-3, 2e-3, 4e-3], [2.5, 2.0, 3.5]


@pytest.mark.parametrize(
    "text",
    [
        "learning_rate,loss\n1e-3,2.5\n2e-3,2\n4e-3,3.5\n",
        "1e-3,2.5\n2e-3,2\n4e-3,3.5",
        ",lr,loss\n0,0.001,2.5\n1,0.002,2.0\n2,0.004,3.5\n",  # pandas, with its index
        "loss;Learning Rate\n2.5;1e-3\n2.0;2e-3\n3.5;4e-3\n",
        "lrs\tlosses\r\n1e-3\t2.5\r\n2e-3\t2.0\r\n4e-3\t3.5\r\n",
        "\ufefflr , train_loss , time\n1e-3, 2.5, 0.1\n2e-3, 2.0, 0.2\n4e-3, 3.5, 0.3\n",
        '# a sweep, by hand\n\n"lr","loss"\n"1e-3","2.5"\n\n"2e-3","2.0"\n# here it goes up\n4E-3,+3.5\n',
    ],
)
def test_the_columns_are_found(text):
    losses = parse_losses(text)
    np.testing.assert_array_equal(losses.learning_rate, RATES)
    np.testing.assert_array_equal(losses.loss, LOSSES)
    assert np.isnan(losses.validation_loss).all()


def test_the_rows_of_an_exported_sweep():
    losses = parse_losses(
        "step,learning_rate,loss,loss_delta,validation_loss\n0,1e-3,2.5,0,2.6\n1,1e-3,inf,0,\n2,2e-3,nan,0\n"
    )
    np.testing.assert_array_equal(losses.learning_rate, [1e-3, 1e-3, 2e-3])
    np.testing.assert_array_equal(losses.loss, [2.5, np.inf, np.nan])
    np.testing.assert_array_equal(losses.validation_loss, [2.6, np.nan, np.nan])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.csv holds no losses: it is empty"),
        ("# only this\n", "a.csv holds no losses: it is empty"),
        ("lr,loss\n", "a.csv has a header and no losses"),
        (
            "# ours\nepoch,loss\n1,2\n",
            r"a\.csv, line 2: there is no column learning_rate \(or lr\).*'epoch', 'loss'",
        ),
        ("lr,accuracy\n1,2\n", "line 1: there is no column loss"),
        ("1,2,3\n", "line 1: there is no header, and 3 columns in place of two"),
        ("2.5\n", "line 1: there is no header, and 1 column in place of two"),
        (
            "lr,loss\n1e-3,2\n\n2e-3\n",
            "line 4: 1 column, and the learning rate and the loss are in columns 1 and 2",
        ),
        ("lr,loss\n1e-3,2\nx,2\n", "line 3: the learning rate is 'x'.*Write it with a point"),
        ("lr,loss\n,2\n", "line 2: the learning rate is ''"),
        ("lr,loss\n1e-3,tensor(2.5)\n", r"line 2: the loss is 'tensor\(2\.5\)'.*loss\.item\(\)"),
        ("lr;loss\n0,001;2,5\n", "line 2: the learning rate is '0,001'.*with a point"),
        ("lr,loss\n0,2\n", "line 2: the learning rate is 0. It must be positive"),
        ("lr,loss\n1e-3,2\n1e-50,2\n", "line 3: the learning rate is 1e-50. It must be positive.*32-bit"),
        ("lr,loss\n1e-3,2\n1e39,2\n", r"line 3: the learning rate is 1e\+39. It must be .*finite, as a 32"),
        ("lr,loss\n1e-3,2\nnan,2\n", "line 3: the learning rate is nan. It must be positive"),
        (
            "lr,loss\n1,2\n# again\n2,2\n1e-3,2\n",
            "line 5: the learning rate falls, from 2 in line 4 to 0.001",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, said):
    with pytest.raises(ValueError, match=f"(?s){said}"):
        parse_losses(text, "a.csv")


RNG = np.random.default_rng(0)
LONG_RATES = np.geomspace(1e-7, 10, 5000)
LONG_LOSSES = RNG.normal(2, 0.1, 5000)
LONG_LOSSES[[7, 11]] = np.nan, -np.inf
VALIDATION = RNG.normal(2, 0.1, 5000)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n# a remark\n", "\n  \n"])
@pytest.mark.parametrize(
    "columns", ["lr,loss", "", "epoch,loss,lr,val_loss", ",lr,loss,other", "lr,loss,val_loss,x,x"]
)
def test_long_files_are_read_as_short_ones(monkeypatch, separator, end, columns):
    named = {"lr": LONG_RATES, "loss": LONG_LOSSES, "val_loss": VALIDATION, "epoch": np.arange(5000)}
    names = columns.split(",") if columns else ["lr", "loss"]

    def cell(name, row):
        if name in ("", "other", "x") or (name == "val_loss" and row % 3):
            return "" if name != "other" else "some text"
        return repr(named[name][row].item())

    lines = [separator.join(cell(name, row) for name in names) for row in range(5000)]
    text = end.join([separator.join(names), *lines] if columns else lines)
    read = parse_losses(text)
    np.testing.assert_array_equal(read.learning_rate, LONG_RATES)
    np.testing.assert_array_equal(read.loss, LONG_LOSSES)
    monkeypatch.setattr(losses_file, "_LONG", float("inf"))
    carefully = parse_losses(text)
    np.testing.assert_array_equal(read.loss, carefully.loss)
    np.testing.assert_array_equal(read.learning_rate, carefully.learning_rate)
    np.testing.assert_array_equal(read.validation_loss, carefully.validation_loss)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("10,tensor(2)", r"line 5003: the loss is 'tensor\(2\)'"),
        (",2", "line 5003: the learning rate is ''"),
        ("1e-50,2", "line 5003: the learning rate is 1e-50"),
        ("1,2", "line 5003: the learning rate falls, from 10 in line 5001 to 1"),
        ("10", "line 5003: 1 column"),
    ],
)
def test_what_is_wrong_in_a_long_file_is_said_with_its_line(line, said):
    lines = [f"{rate!r},2" for rate in LONG_RATES.tolist()]
    with pytest.raises(ValueError, match=said):
        parse_losses("\n".join(["lr,loss", *lines, "# the last one", line]))
