"""Chromium without a window, looking at the first camera that it finds: what a web page gets from getUserMedia()."""
import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import numpy as np

# The shell is the same browser engine without the tabs and buttons that nobody sees, and starts several times as fast.
PROGRAM = shutil.which("chromium-headless-shell") or shutil.which("chromium")

# Shows the camera, keeps handing in pictures of it, and reopens the camera when the answer says so.
PAGE = b"""<!doctype html><title>camera</title><script>
const sleep = ms => new Promise(done => setTimeout(done, ms));
const post = (path, body) => fetch(path, {method: "POST", body}).then(answer => answer.text());

async function watch() {
        const stream = await navigator.mediaDevices.getUserMedia({video: true});
        const track = stream.getVideoTracks()[0], {width, height} = track.getSettings();
        const video = document.createElement("video"), canvas = document.createElement("canvas");
        video.muted = true;
        video.srcObject = stream;
        await video.play();
        canvas.width = width;
        canvas.height = height;
        const context = canvas.getContext("2d", {willReadFrequently: true});
        const about = encodeURIComponent(JSON.stringify({label: track.label, width, height, video: [video.videoWidth,
                                                         video.videoHeight]}));
        let answer = "";
        while (answer != "again") {
                context.drawImage(video, 0, 0);
                answer = await post("/frame?" + about, context.getImageData(0, 0, width, height).data);
                await sleep(200);
        }
        track.stop();
}

(async () => {
        for (;;) {
                await watch().catch(error => post("/failed", String(error)));
                await sleep(500);
        }
})();
</script>"""

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-zygote", "--in-process-gpu"]


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(PAGE)

    def do_POST(self):
        path, _, about = self.path.partition("?")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(self.server.browser.take(path, about, body))

    def log_message(self, *_):
        pass


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.lock = threading.Condition()
        self.began = time.monotonic()
        self.frame, self.failures, self.again = None, [], False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.browser = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.log = open(f"{self.folder}/log", "w+")
        self.process = subprocess.Popen([PROGRAM, *FLAGS, f"--user-data-dir={self.folder}/profile",
                                         f"http://localhost:{self.server.server_address[1]}/"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)

    def close(self):
        """Of all its processes, whose parent may be a script: none of them still has the camera afterwards."""
        end = time.monotonic() + 60
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60)
            while time.monotonic() < end:
                os.killpg(self.process.pid, 0)
                time.sleep(0.05)
        self.server.shutdown()
        self.server.server_close()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, path, about, body):
        """What the page hands in; the answer to it."""
        with self.lock:
            if path == "/failed":
                self.failures.append(body.decode())
            elif self.again:
                self.again = False
                return b"again"
            else:
                about = json.loads(http.server.urllib.parse.unquote(about))
                rgba = np.frombuffer(body, np.uint8).reshape(about["height"], about["width"], 4)
                self.frame = (about, rgba[..., :3])
            self.lock.notify_all()
            return b"more"

    def look_again(self):
        """Closes the camera and opens it again."""
        with self.lock:
            self.again, self.frame = True, None

    def wait(self, good, seconds=120):
        """(what the page reports about its track, the picture) of the next good frame."""
        end = time.monotonic() + seconds
        with self.lock:
            while not (self.frame and good(self.frame[1])):
                self.frame = None
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None or len(self.failures) > 20:
                    raise AssertionError(f"no such frame; getUserMedia said {self.failures[-3:]}\n{self.said()}")
                self.lock.wait(min(left, 1))
            return self.frame

    def seconds(self):
        """Since its start."""
        return time.monotonic() - self.began

    def said(self):
        with open(self.log.name, errors="replace") as log:
            return log.read()[-4000:]
