"""The live page in a real browser: headless Chromium, driven over WebDriver, watching a service under demo traffic."""
import json
import shutil

import pytest

from conftest import ROOT, Service

webdriver = pytest.importorskip("selenium.webdriver", reason="the live page's tests need the package python3-selenium")
from selenium.webdriver.chrome.service import Service as Driver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER),
                                reason="the live page's tests need the packages chromium and chromium-driver")
PATIENCE_S = 60


class Browser:
    """One headless Chromium with the page open; `scheme` and `size` as a user's machine would have them."""

    def __init__(self, url, size=(1280, 900), scheme="light", mobile=False):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--disable-background-networking", "--no-first-run"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Driver(DRIVER), options=options)
        self.command("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=mobile)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.driver.get(url)

    def command(self, name, **parameters):
        self.driver.execute_cdp_cmd(name, parameters)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def js(self, script):
        return self.driver.execute_script("return " + script)

    def wait(self, what, condition):
        return WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.1).until(lambda _: condition(), what)

    def wait_for_payments(self):
        self.wait("payments in the list", lambda: self.js("document.querySelectorAll('#payments tbody tr').length") >= 5)

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requested_urls(self):
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]

    def close(self):
        self.driver.quit()


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    it = Service(tmp_path_factory.mktemp("page") / "data").start("--demo")
    yield it
    assert it.stop() == 0


@pytest.fixture
def opened(busy):
    """Opens browsers on the page; closes them at the end."""
    browsers = []

    def open_page(**options):
        browsers.append(Browser(f"{busy.url}/#key={options.pop('key', busy.key)}", **options))
        return browsers[-1]

    yield open_page
    for browser in browsers:
        browser.close()


def test_numbers_move_while_payments_pass(opened):
    page = opened()
    page.wait_for_payments()
    page.wait("a rate", lambda: page.text("#payments-rate") not in ("–", "0.0"))
    page.wait("quantiles", lambda: page.text("#decision-p50") != "–" and page.text("#decision-p99") != "–")
    page.wait("a status mix", lambda: len(page.driver.find_elements(By.CSS_SELECTOR, "#mix li")) >= 2)
    page.wait("amounts", lambda: page.js("document.querySelectorAll('#amounts tbody tr').length") >= 2)
    assert page.text("#connection") == "Live"
    assert page.text("#mode") == "TEST"
    seen, newest = page.text("#mix-of"), page.js("document.querySelector('#payments tbody tr').dataset.payment")
    page.wait("more payments", lambda: page.text("#mix-of") != seen)
    page.wait("a newer row", lambda: page.js("document.querySelector('#payments tbody tr').dataset.payment") != newest)
    assert page.js("document.querySelectorAll('#payments tbody tr').length") <= 50


def test_the_key_leaves_the_address(opened, busy):
    page = opened()
    page.wait_for_payments()
    assert busy.key not in page.driver.current_url


def test_the_trial_balance_is_green(opened):
    page = opened()
    page.wait("the books' mark", lambda: page.find("#balance-mark").get_attribute("data-balanced") == "yes")
    marks = page.js("[...document.querySelectorAll('#trial tbody tr')].map((row) => row.cells[1].className)")
    assert marks and set(marks) == {"good"}


def test_a_row_opens_by_keyboard_and_escape_closes_it(opened):
    page = opened()
    page.wait_for_payments()
    page.find("#pause").click()  # rows that came would push the chosen one out
    page.wait("the pause", lambda: page.text("#held") == "standing still")
    page.js("document.querySelector('#payments tbody tr[tabindex=\"0\"]').focus()")
    page.press(Keys.ARROW_DOWN)
    chosen = page.js("document.activeElement.dataset.payment")
    page.press(Keys.ENTER)
    page.wait("the dialog", lambda: page.js("document.getElementById('detail').open"))
    assert page.text("#detail-title") == chosen
    events = page.js("[...document.querySelectorAll('#detail-events tbody tr')].map((row) => row.cells[1].textContent)")
    assert events[0] == "payment.created"
    page.press(Keys.ESCAPE)
    page.wait("the dialog's end", lambda: not page.js("document.getElementById('detail').open"))
    assert page.js("document.activeElement.dataset.payment") == chosen


def test_a_captured_payment_shows_its_postings(opened, busy):
    page = opened()
    page.wait_for_payments()
    # The demo's payments push a row out of the list soon: the page itself waits for it.
    page.js("""(() => {
        const look = () => {
            const row = document.querySelector("#payments tbody tr[data-payment='pay_watched']");
            if (row === null) requestAnimationFrame(look); else row.click();
        };
        look();
    })()""")
    assert busy.client().pay(amount=123456, id="pay_watched").status_code == 201
    page.wait("the dialog", lambda: page.js("document.getElementById('detail').open"))
    postings = page.js("[...document.querySelectorAll('#detail-postings tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
    assert [posting[1] for posting in postings] == ["pending", "post"]
    assert postings[1][2:] == ["scheme_receivable:simulator", "merchant:shop:pending", "1\u202f234.56\u00a0EUR"]


def test_nothing_is_reported_on_the_console_and_nothing_leaves_the_host(opened, busy):
    page = opened()
    page.wait_for_payments()
    page.wait("the books' mark", lambda: page.find("#balance-mark").get_attribute("data-balanced") == "yes")
    assert page.console() == []
    urls = page.requested_urls()
    assert any("/v1/stream" in url for url in urls)
    assert [url for url in urls if not url.startswith((busy.url + "/", "data:"))] == []


def test_a_phone_shows_the_page_without_sideways_scrolling(opened):
    page = opened(size=(360, 740), mobile=True)
    page.wait_for_payments()
    page.wait("the trial balance", lambda: page.js("document.querySelectorAll('#trial tbody tr').length") > 0)
    assert page.js("document.documentElement.scrollWidth") <= 360
    page.js("document.querySelector('#payments tbody tr').click()")
    page.wait("the dialog", lambda: page.js("document.getElementById('detail').open"))
    box = page.js("(({left, right}) => [left, right])(document.getElementById('detail').getBoundingClientRect())")
    assert box[0] >= 0 and box[1] <= 360


@pytest.mark.parametrize("scheme, is_dark", [("light", False), ("dark", True)])
def test_the_page_follows_the_colour_scheme(opened, scheme, is_dark):
    page = opened(scheme=scheme)
    red, green, blue = page.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue < 200) == is_dark


def test_a_wrong_key_is_told_and_asked_for_again(opened, busy):
    page = opened(key=busy.key[:-2] + "00")
    page.wait("the form", lambda: page.find("#key-form").is_displayed())
    page.wait("the reason", lambda: page.find("#connection").get_attribute("data-state") == "lost")
    page.find("#key-input").send_keys(busy.key, Keys.ENTER)
    page.wait_for_payments()
    assert page.text("#connection") == "Live"


def test_the_list_stands_still_when_paused(opened):
    page = opened()
    page.wait_for_payments()
    page.find("#pause").click()
    page.wait("the pause", lambda: page.text("#held") == "standing still")
    first = page.js("document.querySelector('#payments tbody tr').dataset.payment")
    seen = page.text("#mix-of")
    page.wait("more payments", lambda: page.text("#mix-of") != seen)
    assert page.js("document.querySelector('#payments tbody tr').dataset.payment") == first


def test_the_page_goes_on_after_a_kill(opened, busy):
    page = opened()
    page.wait_for_payments()
    port = busy.url.rsplit(":", 1)[1]
    busy.kill()
    page.wait("the loss", lambda: page.find("#connection").get_attribute("data-state") == "lost")
    busy.start("--demo", "--listen", f"127.0.0.1:{port}")
    page.wait("the return", lambda: page.text("#connection") == "Live")
    seen = page.text("#mix-of")
    page.wait("more payments", lambda: page.text("#mix-of") != seen)


def test_the_jobs_of_the_service_show_their_newest_rows(tmp_path):
    job = tmp_path / "new_payments.sql"
    job.write_text("SELECT event_time, payment_id, merchant, currency, amount FROM payment_events WHERE type = 'payment.created';")
    service = Service(tmp_path / "data").start("--demo", "--job", str(job), "--job", str(ROOT / "jobs" / "refund_rate.sql"))
    page = Browser(f"{service.url}/#key={service.key}")
    try:
        page.wait("rows of the job", lambda: page.js("document.querySelectorAll('[data-job=new_payments] tbody tr').length") == 8)
        assert "rows in" in page.text("[data-job=new_payments] .hint")
        assert page.text("[data-job=new_payments] thead").startswith("event time payment id")
        assert page.text("[data-job=refund_rate] .empty") == "No rows yet."
        assert page.console() == []
        page.driver.save_screenshot(str(tmp_path / "page.png"))
    finally:
        page.close()
        assert service.stop() == 0
        service.remove()


def test_the_page_and_the_demo_sign_when_the_service_asks_for_it(tmp_path):
    service = Service(tmp_path / "data").start("--demo", "-D", "http.require_signature=true")
    page = Browser(f"{service.url}/#key={service.key}")
    try:
        page.wait_for_payments()
        page.wait("the books' mark", lambda: page.find("#balance-mark").get_attribute("data-balanced") == "yes")
        assert page.text("#connection") == "Live"
        page.js("document.querySelector('#payments tbody tr').click()")
        page.wait("the dialog", lambda: page.js("document.getElementById('detail').open"))
        page.wait("its events", lambda: page.js("document.querySelectorAll('#detail-events tbody tr').length") >= 1)
    finally:
        page.close()
        assert service.stop() == 0
        service.remove()


def test_without_jobs_there_is_no_place_for_them(opened):
    page = opened()
    page.wait_for_payments()
    assert not page.find("#jobs").is_displayed()
