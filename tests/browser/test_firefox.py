"""The tab in Firefox, once through: it draws, follows the pointer, zooms, links, and reports no error."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.xdist_group("browser")

ROOT = Path(__file__).resolve().parents[2]
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.mark.skipif(FIREFOX is None, reason="no Firefox was found")
def test_the_tab_works_in_firefox(logs, server):
    driver = [sys.executable, "build_page.py", "npm", "run", "--silent", "firefox", "--", FIREFOX, server.url]
    ran = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    seen = json.loads(ran.stdout.strip().splitlines()[-1])
    assert "firefox" in seen["agent"].lower()
    assert seen["errors"] == []
    finder = logs.finders[seen["run"]]
    assert float(seen["suggested"]) == pytest.approx(finder.suggestion.learning_rate, rel=0.05)  # two digits
    assert seen["inked"] > 1_000
    assert seen["run"].rpartition("/")[2] in seen["tooltip"]  # the part in which the runs differ
    (low, high), (zoomed_low, zoomed_high) = seen["whole"], seen["zoomed"]
    assert low < zoomed_low < zoomed_high < high
    assert "p.lr_finder.focus=" in unquote(seen["link"])
