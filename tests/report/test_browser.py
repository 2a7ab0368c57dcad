"""The page in a real browser: it plays, changes without moving, tests blindly, and fits small screens."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audiovq import cli
from tests.report.runs import save_run

BROWSER, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
if not (BROWSER and DRIVER):
    pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)", allow_module_level=True)
selenium = pytest.importorskip("selenium", reason="needs selenium: pip install 'audiovq[dev]'")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WAIT_SECONDS = 60.0


class Page:
    """A report, open in the browser."""

    def __init__(self, driver: webdriver.Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads

    def run(self, script: str) -> Any:
        return self.driver.execute_script(f"const {{ players, blind }} = window.audiovqReport; {script}")

    def click(self, selector: str) -> None:
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def wait(self, what: str) -> Any:
        return wait_for(lambda: self.run(f"return {what}"), what)


def wait_for(get: Callable[[], Any], what: str) -> Any:
    """The first value that is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (value := get()):
        assert time.monotonic() < end, f"waited {WAIT_SECONDS:.0f} s for {what}"
        time.sleep(0.02)
    return value


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    save_run(folder / "run", seconds=20.0)
    assert cli.main(["report", str(folder / "run"), "-o", str(folder / "page")]) == 0
    return folder / "page/index.html"


@pytest.fixture
def page(driver: webdriver.Chrome, path: Path, tmp_path: Path) -> Iterator[Page]:
    driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    driver.get(path.as_uri())
    yield Page(driver, tmp_path)
    # An unfinished test would ask whether to leave.
    driver.execute_script("const { blind } = window.audiovqReport; blind.isUnderWay = false; blind.isSaved = true;")
    entries = driver.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in entries if entry["level"] == "SEVERE"] == []


def test_sounds_are_decoded_and_time_goes_by(page: Page) -> None:
    page.click(".clip .play")
    first = page.wait("players[0].deck.voices && players[0].deck.position")
    page.wait(f"players[0].deck.position > {first} + 0.2")
    loudest = "(each) => each.getChannelData(0).subarray(0, 99999).reduce((a, b) => Math.max(a, b))"
    levels = page.run(f"return players[0].deck.buffers.map({loudest})")
    assert levels == [pytest.approx(level, abs=0.01) for level in (0.3, 0.09, 0.27)]
    durations = page.run("return players[0].deck.buffers.map((each) => each.duration)")
    assert durations == [pytest.approx(20, abs=0.01)] * 3  # the shorter one is filled up
    assert float(page.run("return document.querySelector('.clip .seek').value")) > 0
    page.click(".clip .play")
    stopped = page.run("return players[0].deck.position")
    time.sleep(0.1)
    assert page.run("return [players[0].deck.voices, players[0].deck.position]") == [None, stopped]


def test_changing_the_sound_keeps_the_place_and_goes_on(page: Page) -> None:
    page.click(".clip .play")
    page.wait("players[0].deck.voices && players[0].deck.position > 0.1")
    before, after, same = page.run(
        "const { deck } = players[0]; const { voices } = deck; const before = deck.position;"
        "document.querySelectorAll('.clip .choose')[2].click();"
        "return [before, deck.position, deck.voices === voices];"
    )
    assert same and before <= after < before + 0.1  # the very same voices still run
    heard = "players[0].deck.voices.map((voice) => voice.gain.gain.value.toFixed(2)).join()"
    page.wait(f"{heard} === '0.00,0.00,1.00'")
    pressed = "[...document.querySelectorAll('.clip .choose')].slice(0, 3).map((each) => each.ariaPressed)"
    assert page.run(f"return {pressed}") == ["false", "false", "true"]


def test_keys_play_choose_seek_and_step(page: Page) -> None:
    page.press(" ")
    page.wait("players[0].deck.voices !== null")
    page.press("2")
    assert page.run("return players[0].deck.chosen") == 2
    page.press("o")
    assert page.run("return players[0].deck.chosen") == 0
    page.press(" ")
    page.wait("!players[0].deck.wanted")
    before = page.run("return players[0].deck.position")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert page.run("return players[0].deck.position") == pytest.approx(before + 1)
    page.press(Keys.HOME)
    assert page.run("return players[0].deck.position") == 0
    page.press("n", " ")
    page.wait("players[1].deck.voices && !players[0].deck.wanted")


def test_a_click_into_a_picture_goes_there_in_that_sound(page: Page) -> None:
    page.click(".clip .sound:nth-child(2) .picture")
    assert page.run("return players[0].deck.chosen") == 1
    assert page.run("return players[0].deck.position") == pytest.approx(10, abs=0.2)


def test_a_blind_test_keeps_its_answers_and_hands_them_out(page: Page) -> None:
    page.run("document.querySelector('[name=trials]').value = 5")
    page.run("document.querySelector('[name=listener]').value = 'Zoë, \"Z\"'")
    page.click(".blind form button")
    for trial in range(5):
        assert page.run("return document.querySelector('.count').textContent") == f"Trial {trial + 1} of 5"
        page.press("1")  # nothing was heard yet: no answer
        page.press("x", " ")
        page.wait("blind.deck.voices !== null")
        page.press("b")
        # The last one is answered wrongly: the sounds give away what X is.
        sample = (
            "(deck, index) => deck.buffers[index].getChannelData(0).subarray(0, 40000).reduce((a, b) => a + b * b, 0)"
        )
        is_a = page.run(f"const level = {sample}; return level(blind.deck, 0) === level(blind.deck, 2)")
        page.press("1" if is_a == (trial < 4) else "2")
    assert "4 of 5 right, p = 0.1875." in page.run("return document.querySelector('.verdict').textContent")
    page.click(".json")
    result = json.loads(downloaded(page, "json"))
    assert (result["num_right"], result["num_trials"], result["p_value"]) == (4, 5, 0.1875)
    assert (result["listener"], result["systems"]) == ('Zoë, "Z"', ["original", "fine"])
    assert [trial["right"] for trial in result["trials"]] == [True] * 4 + [False]
    for trial in result["trials"]:
        assert {trial["a"], trial["b"]} == {"original", "fine"} and trial["clip"] in {"one", "two"}
        assert (trial["answer"] == trial["x"]) == trial["right"] and trial["changes"] >= 1
    page.click(".csv")
    rows = list(csv.DictReader(downloaded(page, "csv").splitlines()))
    assert [row["right"] for row in rows] == ["true"] * 4 + ["false"]
    assert not page.run("return blind.isUnderWay") and page.run("return blind.isSaved")


def downloaded(page: Page, ending: str) -> str:
    """The text of a file that the page hands out: first its name is there, empty, then the whole takes its place."""
    (path,) = wait_for(
        lambda: [path for path in page.downloads.glob(f"abx-*.{ending}") if path.stat().st_size], f"a .{ending} file"
    )
    return str(path.read_text(encoding="utf-8"))


def test_what_cannot_be_tested_is_said(page: Page) -> None:
    page.run("document.querySelector('[name=second]').value = 'original'")
    page.click(".blind form button")
    assert page.run("return document.querySelector('.problem').textContent") == "Choose two different systems."
    assert not page.run("return blind.isUnderWay")


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("stage", ["setup", "trial", "end"])
def test_nothing_is_wider_than_the_window(page: Page, width: int, stage: str) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.run(f"document.querySelector('.blind').dataset.stage = '{stage}'")
    assert page.run("return document.documentElement.clientWidth") in range(width - 20, width + 1)
    scroll, client = page.run("const page = document.documentElement; return [page.scrollWidth, page.clientWidth]")
    assert scroll <= client
    # Not cut off either: whatever has a box lies inside the window, but for what scrolls inside its own region.
    outside = page.run(
        "return [...document.querySelectorAll('body *')].filter((each) => !each.closest('.scroll, pre') &&"
        " each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)"
        ".map((each) => each.outerHTML)"
    )
    assert outside == []
