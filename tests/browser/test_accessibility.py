"""axe finds nothing in any state of the tab, in light and dark; the help; what a keyboard reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")

AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# The rest of the page is TensorBoard's own; what is ours lies in the frame.
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" "))}`);
}"""


def violations(tab):
    """What axe finds in the tab as it is now."""
    tab.frame.evaluate(AXE.read_text(encoding="utf-8"))  # TensorBoard's policy lets no script tag in
    return tab.frame.evaluate(RUN)


def many(tab):
    tab.by("loss-chart").wait_for()


def focused(tab):
    many(tab)
    tab.frame.get_by_role("button", name="digits/adam").first.click()
    tab.by("suggestion-marker").first.wait_for()


def with_settings(tab):
    many(tab)
    tab.open_settings()


def with_rules(tab):
    many(tab)
    tab.open_rules()
    tab.frame.get_by_role("button", name="Valley").wait_for()


def full_size(tab):
    many(tab)
    tab.frame.get_by_role("button", name="Full size, loss", exact=True).click()


def folded(tab):
    many(tab)
    tab.frame.get_by_role("button", name="Loss delta", exact=True).click()
    tab.by("loss-delta-chart").wait_for(state="detached")


def with_help(tab):
    many(tab)
    tab.frame.get_by_role("button", name="Help").click()
    tab.frame.get_by_role("dialog").wait_for()


def with_a_menu(tab):
    many(tab)
    tab.frame.get_by_role("button", name="Export loss", exact=True).click()


def sorted_table(tab):
    many(tab)
    tab.by("summary-card").get_by_role("button", name="Suggested LR").click()


def all_hidden(tab):
    many(tab)
    tab.frame.get_by_label("Show all runs").click()
    tab.by("loss-chart").wait_for(state="detached")


def a_broken_filter(tab):
    many(tab)
    tab.frame.get_by_label("Filter runs by a regular expression").fill("(")
    tab.frame.get_by_role("alert").wait_for()


def with_a_marker(tab):
    many(tab)
    field = tab.frame.get_by_role("textbox", name="Marker")
    field.fill("1e-3")
    field.press("Enter")
    tab.frame.get_by_role("slider").first.wait_for()


STATES = [
    many,
    focused,
    with_settings,
    with_rules,
    full_size,
    folded,
    with_help,
    with_a_menu,
    sorted_table,
    all_hidden,
    a_broken_filter,
    with_a_marker,
]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing(server, open_tab, state, dark):
    tab = open_tab(server, dark=dark)
    state(tab)
    assert violations(tab) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_in_an_empty_log_directory(tmp_path, open_tab, dark):
    with tensorboard(tmp_path) as empty:
        # TensorBoard lists no tab that has no data, but shows it to those who ask for it.
        tab = open_tab(empty, dark=dark)
        tab.frame.get_by_text("LRFinder").first.wait_for()
        assert violations(tab) == []


@pytest.mark.parametrize("width", [700, 1000])
def test_axe_finds_nothing_in_narrow_windows(server, open_tab, width):
    tab = open_tab(server, width=width, height=800)
    many(tab)
    assert violations(tab) == []


def test_the_help_opens_by_key_names_every_rule_and_gives_the_focus_back(server, open_tab):
    tab = open_tab(server)
    many(tab)
    button = tab.frame.get_by_role("button", name="Settings", exact=True)
    button.focus()
    button.press("?")
    dialog = tab.frame.get_by_role("dialog")
    dialog.wait_for()
    text = dialog.inner_text()
    for rule in server.plugin("rules").json()["rules"]:
        assert rule["label"] in text
        assert rule["formula"] in text
    assert "1506.01186" in dialog.get_by_role("link").first.get_attribute("href")
    tab.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert tab.frame.evaluate("document.activeElement.textContent").strip() == "Settings"
    field = tab.frame.get_by_label("Filter runs by a regular expression")
    field.press("?")
    assert tab.frame.get_by_role("dialog").count() == 0


def test_every_control_is_reached_by_tab_and_shows_that_it_has_the_focus(server, open_tab):
    tab = open_tab(server)
    many(tab)
    tab.frame.get_by_label("Filter runs by a regular expression").focus()
    reached = set()
    for _ in range(80):
        tab.page.keyboard.press("Tab")
        name, outline = tab.frame.evaluate(
            """() => {
              const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
              const e = document.activeElement;
              if (e === document.body) return ["", true]; // in TensorBoard's own page
              const seen = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
              return [e.getAttribute("aria-label") || e.textContent.trim().slice(0, 30), seen];
            }"""
        )
        reached.add(name)
        assert outline, f"{name} does not show that it has the focus"
    for name in ("Show all runs", "Help", "Copy link", "Settings", "Export loss", "Export loss delta"):
        assert any(name in one for one in reached), f"{name} is not reached by Tab"
    assert any("Loss against learning rate" in one for one in reached)


def test_nothing_moves_for_those_who_want_no_motion(server, new_page):
    page = new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server.url}#lr_finder")
    frame = page.wait_for_selector("iframe[src*='plugin_entry.html?name=lr_finder']").content_frame()
    frame.wait_for_selector("[data-testid=loss-chart]")
    moving = """() => [...document.querySelectorAll("*")].filter((element) => {
      const { animationName, transitionDuration } = getComputedStyle(element);
      return animationName !== "none" || parseFloat(transitionDuration) > 0;
    }).length"""
    assert frame.evaluate(moving) == 0
