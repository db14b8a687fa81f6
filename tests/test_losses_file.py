"""CSV files with losses from other tools, and the errors for malformed ones."""

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
def test_columns_are_identified(text):
    losses = parse_losses(text)
    np.testing.assert_array_equal(losses.learning_rate, RATES)
    np.testing.assert_array_equal(losses.loss, LOSSES)
    assert np.isnan(losses.validation_loss).all()


def test_exported_sweep():
    losses = parse_losses(
        "step,learning_rate,loss,loss_delta,validation_loss\n0,1e-3,2.5,0,2.6\n1,1e-3,inf,0,\n2,2e-3,nan,0\n"
    )
    np.testing.assert_array_equal(losses.learning_rate, [1e-3, 1e-3, 2e-3])
    np.testing.assert_array_equal(losses.loss, [2.5, np.inf, np.nan])
    np.testing.assert_array_equal(losses.validation_loss, [2.6, np.nan, np.nan])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv is empty"),
        ("# only this\n", "a.csv is empty"),
        ("lr,loss\n", "a.csv has a header but no rows"),
        (
            "# ours\nepoch,loss\n1,2\n",
            r"a\.csv, line 2: missing column learning_rate \(or lr\).*'epoch', 'loss'",
        ),
        ("lr,accuracy\n1,2\n", "line 1: missing column loss"),
        ("1,2,3\n", "line 1: expected two columns without a header, got 3"),
        ("2.5\n", "line 1: expected two columns without a header, got 1"),
        (
            "lr,loss\n1e-3,2\n\n2e-3\n",
            "line 4: got 1 column, but the learning rate and the loss are expected in columns 1 and 2",
        ),
        ("lr,loss\n1e-3,2\nx,2\n", "line 3: the learning rate is 'x'.*Use a decimal point"),
        ("lr,loss\n,2\n", "line 2: the learning rate is ''"),
        ("lr,loss\n1e-3,tensor(2.5)\n", r"line 2: the loss is 'tensor\(2\.5\)'.*loss\.item\(\)"),
        ("lr;loss\n0,001;2,5\n", "line 2: the learning rate is '0,001'.*a decimal point"),
        ("lr,loss\n0,2\n", "line 2: the learning rate must be positive.*got 0\\."),
        ("lr,loss\n1e-3,2\n1e-50,2\n", "line 3: the learning rate must be positive.*float32.*got 1e-50"),
        ("lr,loss\n1e-3,2\n1e39,2\n", r"line 3: the learning rate must be .*finite as a float32.*got 1e\+39"),
        ("lr,loss\n1e-3,2\nnan,2\n", "line 3: the learning rate must be positive.*got nan"),
        (
            "lr,loss\n1,2\n# again\n2,2\n1e-3,2\n",
            "line 5: the learning rate decreases from 2 in line 4 to 0.001",
        ),
    ],
)
def test_errors_name_the_line(text, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        parse_losses(text, "a.csv")


RNG = np.random.default_rng(0)
LONG_RATES = np.geomspace(1e-7, 10, 5000)
LONG_LOSSES = RNG.normal(2, 0.1, 5000)
LONG_LOSSES[[7, 11]] = np.nan, -np.inf
VALIDATION = RNG.normal(2, 0.1, 5000)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n# a comment\n", "\n  \n"])
@pytest.mark.parametrize(
    "columns", ["lr,loss", "", "epoch,loss,lr,val_loss", ",lr,loss,other", "lr,loss,val_loss,x,x"]
)
def test_long_files_are_parsed_like_short_ones(monkeypatch, separator, end, columns):
    named = {"lr": LONG_RATES, "loss": LONG_LOSSES, "val_loss": VALIDATION, "epoch": np.arange(5000)}
    names = columns.split(",") if columns else ["lr", "loss"]

    def cell(name, row):
        if name in ("", "other", "x") or (name == "val_loss" and row % 3):
            return "" if name != "other" else "some text"
        return repr(named[name][row].item())

    lines = [separator.join(cell(name, row) for name in names) for row in range(5000)]
    text = end.join([separator.join(names), *lines] if columns else lines)
    parsed = parse_losses(text)
    np.testing.assert_array_equal(parsed.learning_rate, LONG_RATES)
    np.testing.assert_array_equal(parsed.loss, LONG_LOSSES)
    monkeypatch.setattr(losses_file, "_NUMPY_THRESHOLD", float("inf"))
    by_lines = parse_losses(text)
    np.testing.assert_array_equal(parsed.loss, by_lines.loss)
    np.testing.assert_array_equal(parsed.learning_rate, by_lines.learning_rate)
    np.testing.assert_array_equal(parsed.validation_loss, by_lines.validation_loss)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("10,tensor(2)", r"line 5003: the loss is 'tensor\(2\)'"),
        (",2", "line 5003: the learning rate is ''"),
        ("1e-50,2", "line 5003: the learning rate must be.*got 1e-50"),
        ("1,2", "line 5003: the learning rate decreases from 10 in line 5001 to 1"),
        ("10", "line 5003: got 1 column"),
    ],
)
def test_errors_in_long_files_name_the_line(line, message):
    lines = [f"{rate!r},2" for rate in LONG_RATES.tolist()]
    with pytest.raises(ValueError, match=message):
        parse_losses("\n".join(["lr,loss", *lines, "# the last one", line]))
