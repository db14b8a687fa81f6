"""Malformed requests and log directories: a clear error or a correct response, and nothing else."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from tb_lrfinder.cli.losses_file import parse_losses
from tb_lrfinder.plugin.request_params import BadParameterError, DownloadParams, SweepsParams, TrialsParams
from tests import hostile


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with hostile.serve(tmp_path_factory.mktemp("hostile")) as server:
        yield server


def test_malformed_requests_are_served_or_rejected(server):
    client = hostile.Client(server.url)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(hostile.REQUESTS)
    def ask(asked):
        hostile.check(asked, *client.send(asked))

    ask()
    assert server.plugin("sweeps", run="good").status == 200


def test_runs_with_malicious_names_are_listed_and_downloaded(server):
    names = [run["run"] for run in server.plugin("runs").json()["runs"]]
    assert len(names) == len(hostile.NAMES) + 2
    client = hostile.Client(server.url)
    for name in names:
        for route in ("sweeps", "trials", "download"):
            target = f"/data/plugin/lr_finder/{route}?run={quote(name, safe='')}"
            asked = hostile.Asked("GET", target, {})
            answer, body = client.send(asked)
            hostile.check(asked, answer, body)
            if route == "download":
                # One header, one plain name, whatever the run is called.
                disposition = answer.headers["Content-Disposition"]
                assert "\n" not in disposition
                assert disposition.startswith('attachment; filename="')
                assert set(disposition.split('"')[1]) <= set(
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.=+-"
                )


def test_too_many_names_are_rejected_and_long_ones_are_truncated(server):
    too_many = "&".join(f"run={number}" for number in range(5_001))
    client = hostile.Client(server.url)
    for query in (too_many, "run=" + "x" * 60_000, "run=good&smoothing=" + "1" * 50_000):
        asked = hostile.Asked("GET", f"/data/plugin/lr_finder/sweeps?{query}", {})
        answer, body = client.send(asked)
        assert answer.status in (400, 414)
        assert len(body) < 2_000


def refusal(kind, function, *arguments):
    """What an error of one kind says; None where there is none. Errors of other kinds are errors."""
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    return None


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(hostile.PARAMETERS), hostile.TEXT), max_size=8))
def test_request_parameters_are_parsed_or_rejected(pairs):
    for params in (SweepsParams, TrialsParams, DownloadParams):
        said = refusal(BadParameterError, params.parse, MultiDict(pairs))
        assert said is None or (0 < len(said) < 2_000 and "\n" not in said)


CELLS = st.text("lr,oss;\t\n.0123456789e-+naNiIf\"'", max_size=300)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=300), CELLS))
def test_a_file_of_losses_is_read_or_rejected(text):
    said = refusal(ValueError, parse_losses, text, "losses.csv")
    assert said is None or "losses.csv" in said
