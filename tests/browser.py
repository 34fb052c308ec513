#!/usr/bin/env python3
"""web_app's page, looked at by a headless Chromium.

    BUILD=build python3 tests/browser.py [--pictures FOLDER]

Starts the program and the browser, which is spoken to over two pipes in its
DevTools protocol: nothing but the two programs and Python is needed. Prints
what holds, and ends with 1 at the first thing that does not; with 77 and a
line where there is no browser.
"""
import base64
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

PATIENCE = 60  # seconds for what comes sooner
PR_SET_CHILD_SUBREAPER = 36


def fail(text):
    print("browser: " + text, file=sys.stderr)
    sys.exit(1)


class Browser:
    """A browser with one page."""

    def __init__(self, program, folder):
        # Whom it leaves behind is left to us.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        to_us, their_out = os.pipe()
        their_in, to_them = os.pipe()

        def descriptors():  # the protocol's are 3 and 4
            high = os.dup(their_in), os.dup(their_out)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        environment = dict(os.environ, HOME=folder, TMPDIR=folder,
                           XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder)
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-sync",
             "--disable-component-update", "--no-proxy-server",
             "--disable-breakpad", "--user-data-dir=" + folder,
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=descriptors, close_fds=False, env=environment,
            start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)
        self.to_us, self.to_them = to_us, to_them
        self.bytes = b""
        self.calls = 0
        self.session = None
        self.requests = []  # the URLs the page asked for
        self.errors = []    # what its console has to say
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=target["targetId"])["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def message(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.bytes:
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.to_us], [], [], left)[0]:
                fail("the browser does not answer")
            piece = os.read(self.to_us, 65536)
            if not piece:
                fail("the browser has ended")
            self.bytes += piece
        text, self.bytes = self.bytes.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self.to_them, left):]
        while True:
            answer = self.message()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    fail(method + ": " + answer["error"]["message"])
                return answer["result"]
            self.note(answer.get("method"), answer.get("params"))

    def note(self, event, what):
        if event == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(what["exceptionDetails"]))
        elif event == "Log.entryAdded" and what["entry"]["level"] == "error":
            self.errors.append(what["entry"]["text"])

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            fail(expression + ": " + str(result["exceptionDetails"]))
        return result["result"].get("value")

    def until(self, expression, what):
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(expression):
            if time.monotonic() > deadline:
                fail("it never came: " + what)
            time.sleep(0.05)
        print("ok    " + what)

    def press(self, key, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code,
                      text=text if kind == "keyDown" else "")

    def picture(self, path):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def size(self, width, height, phone=False, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=2 if phone else 1,
                  mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])

    def close(self):
        """However far it has come; with all the processes it has started."""
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(10)
        except (OSError, SystemExit, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        # The others write into their folder for as long as they live.
        try:
            while True:
                os.waitpid(-self.process.pid, 0)
        except ChildProcessError:
            pass


# How many dots of the chart have the colour of what is late.
LATE_DOTS = """(() => {
    const canvas = document.getElementById('chart');
    const style = getComputedStyle(document.documentElement);
    const late = style.getPropertyValue('--late').trim();
    const [r, g, b] = [1, 3, 5].map(i => parseInt(late.slice(i, i + 2), 16));
    const dots = canvas.getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height).data;
    let n = 0;
    for (let i = 0; i < dots.length; i += 4)
        n += Math.abs(dots[i] - r) + Math.abs(dots[i + 1] - g) +
             Math.abs(dots[i + 2] - b) < 24 && dots[i + 3] > 200;
    return n;
})()"""


def expect(holds, what):
    if not holds:
        fail("not so: " + what)
    print("ok    " + what)


def look(b, url):
    b.size(1280, 900)
    b.call("Page.navigate", url=url)
    b.until("typeof samples !== 'undefined' && samples.length > 5",
            "the page hears of the loop")
    count = b.evaluate("samples[samples.length - 1][0]")
    b.until("samples[samples.length - 1][0] > %f" % (count + 0.5),
            "and goes on hearing of it")
    b.until("document.getElementById('tasks').rows.length >= 4 && "
            "document.getElementById('timers').rows.length >= 1",
            "tasks and timers are listed")
    b.until("/of it|loop was .* late as a rule/.test("
            "document.getElementById('chart-text').textContent)",
            "the chart is told in words")
    expect(b.evaluate("document.documentElement.scrollWidth <= innerWidth"),
           "nothing is wider than the window")


def use_keys(b):
    seen = []
    for _ in range(4):
        b.press("Tab", 9)
        seen.append(b.evaluate("document.activeElement.id"))
        expect(b.evaluate("getComputedStyle(document.activeElement)"
                          ".outlineStyle") == "solid",
               "the focus is seen on " + seen[-1])
    expect(seen == ["slow", "burst", "block", "pause"],
           "the Tab key comes by all buttons in their order")


def burst(b):
    b.evaluate("""
        window.told = 0;  // news that came while half of them waited, or more
        const take_it = take;
        take = news => {
            take_it(news);
            told += [...document.getElementById('tasks').rows].some(row =>
                row.cells[0].textContent === 'slow' &&
                row.cells[1].textContent === 'sleep_for' &&
                Number(row.cells[2].textContent) >= 50);
        };""")
    b.evaluate("document.getElementById('burst').focus()")
    b.press("Enter", 13, "\r")
    b.until("/100 that await: all answered/.test("
            "document.getElementById('log').textContent)",
            "a burst, by the Enter key: all are answered")
    expect(b.evaluate("told >= 2"),
           "the burst does not freeze the loop: the page was told meanwhile")


def freeze(b):
    b.evaluate("""
        window.states = [];
        new MutationObserver(() => states.push(
            document.getElementById('state-name').textContent)).observe(
            document.getElementById('state-name'),
            {childList: true, characterData: true, subtree: true});
        samples.forEach(s => { s[1] = 0; });
        draw();""")
    before = b.evaluate(LATE_DOTS)
    b.evaluate("document.getElementById('block').focus()")
    b.press(" ", 32, " ")
    b.until("/of block held everyone up for [2-9]/.test("
            "document.getElementById('log').textContent)",
            "one that blocks, by the space bar: the loop's report is shown")
    b.until("/One that blocks: answered after [2-9]/.test("
            "document.getElementById('log').textContent)",
            "it is answered after that")
    expect(b.evaluate("states.some(s => s.startsWith('frozen'))"),
           "the page has said that it is frozen")
    b.until("document.getElementById('state-name').textContent === 'live'",
            "and that it goes on")
    expect(b.evaluate("Math.max(...samples.map(s => s[1])) > 1.5"),
           "the loop was late for it")
    expect(b.evaluate(LATE_DOTS) > before + 100,
           "the freeze is seen in the chart")
    expect(b.evaluate("/froze/.test(document.getElementById('chart-text')"
                      ".textContent)"), "and told in its words")


def pause(b):
    b.evaluate("document.getElementById('pause').click()")
    text = b.evaluate("document.getElementById('chart-text').textContent")
    count = b.evaluate("samples[samples.length - 1][0]")
    b.until("samples[samples.length - 1][0] > %f" % (count + 1.5),
            "paused, it still hears")
    expect(b.evaluate("document.getElementById('chart-text').textContent") ==
           text, "and nothing moves")
    b.evaluate("document.getElementById('pause').click()")


def phone(b):
    for dark in (False, True):
        b.size(390, 844, phone=True, dark=dark)
        b.until("matchMedia('(max-width: 48rem)').matches && "
                "matchMedia('(prefers-color-scheme: dark)').matches === " +
                ("true" if dark else "false"), "the page is that of a phone")
        expect(b.evaluate("document.documentElement.scrollWidth <= 390"),
               "it fits a phone" + (" in the dark" if dark else ""))


def names(b, url):
    evil = "<script>document.title = 'evil'</script>\""
    b.call("Page.navigate",
           url=url + "hello/" + urllib.parse.quote(evil, safe=""))
    b.until("document.body !== null && document.body.innerText.trim() === " +
            json.dumps("Hello, " + evil + "!"), "a name is text")
    expect(b.evaluate("document.scripts.length === 0 && "
                      "document.title === ''"), "and never markup")


def pictures(b, folder):
    for name, width, height, small, dark in (
            ("desktop", 1280, 800, False, False),
            ("dark", 1280, 800, False, True),
            ("projector", 1920, 1080, False, False),
            ("phone", 390, 844, True, False),
            ("phone-dark", 390, 844, True, True)):
        b.size(width, height, small, dark)
        time.sleep(0.5)
        b.picture(os.path.join(folder, name + ".png"))


def main():
    program = next(filter(None, map(shutil.which, (
        "chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if program is None:
        print("browser: no chromium here: the page was not looked at")
        sys.exit(77)
    server = subprocess.Popen(
        [os.path.join(os.environ.get("BUILD", "build"), "07_eventloop/web_app"),
         "-p", "0", "--delay", "2"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    browser = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            url = server.stdout.readline().strip()
            browser = Browser(program, folder)
            look(browser, url)
            use_keys(browser)
            burst(browser)
            freeze(browser)
            if "--pictures" in sys.argv:
                pictures(browser, sys.argv[sys.argv.index("--pictures") + 1])
            pause(browser)
            phone(browser)
            expect(not browser.errors, "no errors: %s" % browser.errors)
            expect(all(r.startswith((url, "data:", "about:"))
                       for r in browser.requests),
                   "no request went anywhere else")
            names(browser, url)
        finally:
            if browser is not None:
                browser.close()
            server.terminate()
            server.wait()
    expect(server.returncode == 0, "the server ended in order")


main()
