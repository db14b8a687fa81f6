"""The families of tasks: which network learns which data set."""

from __future__ import annotations

from dataclasses import dataclass

from . import networks as n
from .datasets import DATASETS, Data

NETWORKS: dict[str, n.Network] = {
    "linear": n.mlp(),
    "softmax": n.mlp(probabilities=True),
    "mlp": n.mlp(32),
    "mlp_tanh": n.mlp(32, 16, act="tanh"),
    "mlp_wide": n.mlp(192),
    "mlp_two": n.mlp(64, 32),
    "mlp_ends_softmax": n.mlp(48, act="elu", probabilities=True),
    "mlp_deep": n.mlp(32, 32, 32, 32, act="selu"),
    "mlp_deep_relu": n.mlp(24, 24, 24, 24, 24),
    "mlp_batchnorm": n.mlp(48, 24, norm="batch"),
    "mlp_layernorm": n.mlp(48, 48, norm="layer", act="gelu"),
    "mlp_dropout": n.mlp(96, 48, dropout=0.4),
    "residual": n.residual_mlp(32, 3),
    "residual_plain": n.residual_mlp(24, 4, norm=""),
    "gated": n.gated(32),
    "columns": n.column_transformer(12),
    "convnet": n.convnet(8, 16),
    "convnet_batchnorm": n.convnet(8, 12, norm="batch"),
    "convnet_dense": n.convnet(8, dense=32, dropout=0.3),
    "resnet": n.resnet(8, 2),
    "resnet_plain": n.resnet(8, 2, norm=False),
    "vit": n.vision_transformer(24, 4),
    "vit_small": n.vision_transformer(16, 2),
    "vit_14": n.vision_transformer(24, 7, blocks=2),
    "mixer": n.mixer(16, 4),
    "mixer_14": n.mixer(16, 7),
    "autoencoder": n.autoencoder(64, 12, 64),
    "autoencoder_deep": n.autoencoder(64, 32, 8, 32, 64, act="elu"),
    "denoiser": n.autoencoder(96, noise=0.5),
    "variational": n.variational(64, 8, 2e-4),
    "halves": n.halves(48),
    "halves_conv": n.halves(32, convolution=True),
    "tuned_mlp": n.tuned(n.mlp(64, 32), "all"),
    "tuned_mlp_last": n.tuned(n.mlp(64, 32), "last"),
    "tuned_batchnorm": n.tuned(n.mlp(64, 32, norm="batch"), "all"),
    "tuned_convnet": n.tuned(n.convnet(8, 12, dense=32), "all"),
    "tuned_convnet_last": n.tuned(n.convnet(8, 12, dense=32), "last"),
    "tuned_vit": n.tuned(n.vision_transformer(24, 4), "all"),
    "conv_time": n.convnet(12, 16),
    "dilated": n.dilated(12),
    "rnn": n.recurrent("SimpleRNN", 24),
    "lstm": n.recurrent("LSTM", 16),
    "gru": n.recurrent("GRU", 16),
    "gru_both_ways": n.recurrent("GRU", 10, both_ways=True),
    "transformer": n.transformer(16),
    "language_letters": n.last_letters(48),
    "language_lstm": n.recurrent("LSTM", 32, each=True),
    "language_gru": n.recurrent("GRU", 32, each=True),
    "language_transformer": n.transformer(24, each=True),
    "language_post_norm": n.transformer(24, each=True, post_norm=True),
    "bag": n.bag(12),
    "bag_dense": n.bag(12, 24),
}


@dataclass(frozen=True)
class Family:
    """Some tasks with the same data set and network.

    Args:
        data: The data set.
        network: The network.
        steps: Steps of the shortest and the longest training that a task may ask for.
        batches: Sizes of batches that a task may have.
        train: Numbers of training examples that a task may have, before whole batches are taken.
        loss: Name of the loss; None for the data set's.
        count: Number of tasks.
        long: Whether one of the tasks has 20,000 steps.
    """

    data: str
    network: str
    steps: tuple[int, int]
    batches: tuple[int, ...]
    train: tuple[int, ...]
    loss: str | None = None
    count: int = 2
    long: bool = False

    @property
    def name(self) -> str:
        """Data set and network."""
        return f"{self.data}_{self.network}"

    @property
    def domain(self) -> str:
        """What kind of data it is."""
        return next(domain for domain, sets in DATASETS.items() if self.data in sets)

    def data_set(self) -> Data:
        """Its data set, as it is before the network prepares it."""
        return DATASETS[self.domain][self.data]()


SHORT, MEDIUM, WIDE = (200, 1200), (300, 3000), (400, 6000)
SMALL, USUAL, LARGE = (8, 16, 32), (16, 32, 64, 128), (64, 128, 256, 512)
FEW, SOME, MANY = (200, 400), (400, 800, 1600), (1600, 3200, 4800)


def _families() -> tuple[Family, ...]:
    f = Family
    return (
        # Tables with classes.
        f("letter", "mlp_wide", WIDE, USUAL, MANY),
        f("letter", "mlp_batchnorm", MEDIUM, LARGE, MANY),
        f("satimage", "mlp_tanh", MEDIUM, USUAL, MANY),
        f("satimage", "residual", MEDIUM, USUAL, SOME),
        f("penbased", "softmax", WIDE, USUAL, MANY),
        f("penbased", "mlp_deep", MEDIUM, USUAL, SOME),
        f("texture", "linear", WIDE, SMALL, SOME, long=True),
        f("texture", "mlp_layernorm", MEDIUM, USUAL, SOME),
        f("magic", "mlp_two", WIDE, LARGE, MANY),
        f("magic", "gated", MEDIUM, USUAL, MANY),
        f("segment", "mlp_ends_softmax", MEDIUM, USUAL, SOME),
        f("spambase", "mlp_dropout", MEDIUM, USUAL, SOME),
        f("spambase", "linear", WIDE, USUAL, MANY),
        f("phoneme", "mlp_deep_relu", WIDE, USUAL, MANY),
        f("phoneme", "residual_plain", MEDIUM, USUAL, SOME),
        f("vowel", "mlp", WIDE, SMALL, (700,), long=True),
        f("vehicle", "mlp_batchnorm", MEDIUM, USUAL, (600,)),
        f("vehicle", "columns", SHORT, (16, 32), (300, 600)),
        f("german", "mlp_wide", MEDIUM, USUAL, (400, 700)),
        f("contraceptive", "mlp_dropout", MEDIUM, USUAL, (400, 1000)),
        f("ring", "mlp_two", MEDIUM, LARGE, MANY),
        f("banana", "mlp_deep", WIDE, USUAL, SOME, long=True),
        f("chess", "mlp_tanh", MEDIUM, USUAL, SOME),
        f("marketing", "mlp_layernorm", MEDIUM, LARGE, MANY),
        f("marketing", "softmax", MEDIUM, SMALL, SOME),
        f("ionosphere", "residual", SHORT, (8, 16, 32), (240,)),
        f("sonar", "mlp_two", MEDIUM, (8, 16, 32), (160,)),
        f("led7digit", "mlp_ends_softmax", WIDE, SMALL, (350,), long=True),
        f("mushroom", "linear", MEDIUM, USUAL, SOME),
        f("votes", "gated", MEDIUM, USUAL, SOME),
        # Tables with numbers.
        f("diamonds", "mlp_two", WIDE, LARGE, MANY),
        f("diamonds", "linear", WIDE, USUAL, MANY, long=True),
        f("computers", "mlp_batchnorm", MEDIUM, USUAL, SOME),
        f("computers", "residual", MEDIUM, LARGE, MANY),
        f("movies", "mlp_dropout", MEDIUM, USUAL, MANY, "mean_absolute_error"),
        f("wages", "mlp_tanh", MEDIUM, USUAL, SOME),
        f("males", "mlp_wide", MEDIUM, USUAL, SOME),
        f("visits", "mlp", MEDIUM, USUAL, SOME, "mean_absolute_error"),
        f("contacts", "mlp_two", MEDIUM, USUAL, MANY, "huber"),
        f("nox", "mlp_deep", WIDE, USUAL, SOME, "huber"),
        f("nox", "gated", MEDIUM, LARGE, MANY),
        f("hits", "mlp_layernorm", MEDIUM, USUAL, MANY, "log_cosh"),
        f("chains", "mlp_two", MEDIUM, USUAL, MANY),
        f("schools", "mlp", MEDIUM, USUAL, SOME),
        f("quakes", "mlp_deep_relu", MEDIUM, SMALL, (300, 700)),
        f("housing", "mlp_two", MEDIUM, SMALL, (400,)),
        f("housing", "linear", WIDE, SMALL, (400,), long=True),
        f("personality", "mlp_dropout", MEDIUM, LARGE, (1600,), "mean_absolute_error"),
        # Pictures.
        f("mnist", "convnet", SHORT, (16, 32), SOME),
        f("mnist", "resnet", (200, 600), (16, 32), SOME),
        f("mnist", "vit_14", MEDIUM, USUAL, MANY),
        f("mnist", "mlp_wide", MEDIUM, USUAL, MANY),
        f("mnist", "variational", MEDIUM, USUAL, SOME),
        f("mnist", "tuned_mlp", SHORT, USUAL, FEW),
        f("mnist", "tuned_mlp_last", SHORT, USUAL, FEW),
        f("mnist", "tuned_convnet", (200, 600), (16, 32), FEW),
        f("mnist", "halves", SHORT, (16, 32, 64), SOME),
        f("optdigits", "convnet_batchnorm", SHORT, (16, 32, 64), SOME),
        f("optdigits", "vit_small", SHORT, (16, 32, 64), SOME),
        f("optdigits", "softmax", WIDE, USUAL, MANY, long=True),
        f("optdigits", "tuned_batchnorm", SHORT, USUAL, FEW),
        f("photos", "convnet_dense", (200, 800), (16, 32), SOME),
        f("photos", "mixer", MEDIUM, (16, 32, 64), SOME),
        f("photos", "autoencoder", MEDIUM, USUAL, SOME),
        f("photos", "tuned_vit", SHORT, (16, 32), FEW),
        f("views", "convnet", (200, 800), (8, 16, 32), SOME),
        f("views", "vit", MEDIUM, (16, 32, 64), MANY),
        f("views", "mlp_dropout", MEDIUM, USUAL, MANY),
        f("views", "variational", MEDIUM, USUAL, SOME),
        f("views", "tuned_convnet_last", (200, 600), (16, 32), FEW),
        f("views", "halves", SHORT, (16, 32, 64), SOME),
        f("textures", "resnet_plain", (200, 600), (8, 16, 32), SOME),
        f("textures", "denoiser", MEDIUM, USUAL, SOME),
        f("textures", "mixer", MEDIUM, USUAL, SOME),
        f("textures", "tuned_mlp_last", SHORT, USUAL, FEW),
        f("greys", "convnet_batchnorm", (200, 800), (16, 32), SOME),
        f("greys", "autoencoder_deep", MEDIUM, USUAL, SOME),
        f("greys", "halves_conv", (200, 600), (16, 32), SOME),
        f("greys", "tuned_mlp", SHORT, USUAL, FEW),
        f("faces", "vit_small", SHORT, (16, 32), FEW),
        f("faces", "mlp_batchnorm", MEDIUM, USUAL, FEW),
        # Series.
        f("power", "lstm", SHORT, (16, 32, 64), FEW),
        f("power", "conv_time", MEDIUM, (16, 32, 64), FEW),
        f("vowels", "gru", (200, 600), (16, 32), FEW),
        f("vowels", "transformer", SHORT, (16, 32), FEW),
        f("leaves", "dilated", (200, 800), (8, 16, 32), (320,)),
        f("arrows", "conv_time", SHORT, (8, 16), (160,)),
        f("motions", "rnn", (200, 600), (8, 16), (64,)),
        f("libras", "gru_both_ways", (200, 400), (8, 16), (280,)),
        f("libras", "mlp_two", MEDIUM, SMALL, (280,)),
        f("sunspots", "gru", (200, 800), (16, 32, 64), SOME),
        f("sunspots", "mlp_two", MEDIUM, USUAL, SOME),
        f("rings", "linear", WIDE, USUAL, MANY),
        f("gait", "lstm", (200, 800), (16, 32, 64), SOME),
        f("gait", "transformer", SHORT, (16, 32, 64), SOME),
        # Text.
        f("dna", "mlp", MEDIUM, USUAL, SOME),
        f("dna", "conv_time", SHORT, (16, 32), SOME),
        f("dna", "lstm", (200, 400), (16, 32), SOME),
        f("code", "language_letters", SHORT, (8, 16, 32), MANY),
        f("code", "language_lstm", (200, 600), (8, 16), MANY),
        f("code", "language_transformer", (200, 800), (8, 16, 32), SOME),
        f("english", "language_letters", SHORT, (8, 16, 32), MANY),
        f("english", "language_gru", (200, 600), (8, 16), MANY),
        f("english", "language_post_norm", (200, 800), (8, 16), SOME),
        f("names", "language_transformer", (200, 800), (8, 16, 32), MANY),
        f("names", "language_lstm", (200, 600), (8, 16), SOME),
        f("modules", "bag", MEDIUM, USUAL, SOME),
        f("modules", "dilated", (200, 600), (16, 32), SOME),
        f("authors", "bag_dense", MEDIUM, LARGE, MANY),
    )


FAMILIES = _families()
