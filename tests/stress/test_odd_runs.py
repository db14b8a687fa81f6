"""A thousand odd runs beside a good one, with both of TensorBoard's loaders."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests import odd_runs
from tests.serving import tensorboard

RUNS = 1_000


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd")
    names = []

    @settings(
        max_examples=RUNS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(odd_runs.RUN)
    def generate(values):
        names.append(f"{len(names):04}")
        odd_runs.write(path / names[-1], values)

    generate()
    for name, values in odd_runs.NAMED.items():
        odd_runs.write(path / name, values)
    odd_runs.write_good(path / "good")
    return path, [*names, *odd_runs.NAMED]


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_a_thousand_odd_runs_hide_no_good_one(log_dir, capsys, load_fast):
    path, names = log_dir
    with tensorboard(path, f"--load_fast={load_fast}") as server:
        server.wait_for_runs(1, run="good", status="finished", seconds=300)
        server.wait_for_runs(len(odd_runs.NAMED))
        requests = 0

        def ask(route, parameters):
            nonlocal requests
            requests += 1
            answer = server.plugin(route, **parameters)
            return answer.status, answer.body

        messages = odd_runs.check_routes(ask, names)
        told = server.log.read_text()
    assert len(names) >= RUNS
    assert "tb_lrfinder" not in told, told[-3_000:]
    with capsys.disabled():
        wrong = sum(message is not None for message in messages.values())
        print(
            f"\n{len(names)} odd runs beside a good one, load_fast={load_fast}: {len(messages)} listed, "
            f"{wrong} with what is wrong, {requests} requests answered"
        )
