"""A page in Chromium: its pixels, its keys, what it loaded and what went wrong."""

import io
import json
import time
from urllib.parse import urlsplit

import numpy as np


class OpenedPage:
    def __init__(self, driver):
        self.driver = driver

    def run(self, script, *arguments):
        """The result of a function body in the page."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, *arguments, seconds=15.0):
        """Wait until an expression of the page holds, and give its value."""
        end = time.monotonic() + seconds
        while True:
            value = self.run(f"return ({script});", *arguments)
            if value:
                return value
            assert time.monotonic() < end, f"after {seconds} s still not: {script}"
            time.sleep(0.02)

    def find(self, selector):
        from selenium.webdriver.common.by import By

        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector):
        self.find(selector).click()

    def press(self, *keys):
        """Press keys one after the other; a name such as "ARROW_RIGHT" is that key."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        actions = ActionChains(self.driver, duration=0)
        for key in keys:
            actions.send_keys(getattr(Keys, key) if len(key) > 1 else key)
        actions.perform()

    def drag(self, selector, start, end):
        """Press at one place of an element, move and release; places in its CSS pixels."""
        from selenium.webdriver.common.action_chains import ActionChains

        box = self.run(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.left, b.top];",
            selector,
        )
        actions = ActionChains(self.driver, duration=20)
        pointer = actions.w3c_actions.pointer_action
        pointer.move_to_location(round(box[0] + start[0]), round(box[1] + start[1]))
        pointer.pointer_down()
        pointer.move_to_location(round(box[0] + end[0]), round(box[1] + end[1]))
        pointer.pointer_up()
        actions.perform()

    def canvas(self, selector):
        """The pixels that a canvas holds, uint8 [H, W, 3]."""
        import base64

        width, height, text = self.run(
            "const c = document.querySelector(arguments[0]);"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let t = ''; for (let k = 0; k < d.length; k += 8192)"
            "  t += String.fromCharCode(...d.subarray(k, k + 8192));"
            "return [c.width, c.height, btoa(t)];",
            selector,
        )
        data = np.frombuffer(base64.b64decode(text), np.uint8)
        return data.reshape(height, width, 4)[..., :3]

    def screenshot(self, selector=None):
        """What is seen of an element, or of the window, uint8 [H, W, 3]."""
        from PIL import Image

        if selector is None:
            data = self.driver.get_screenshot_as_png()
        else:
            data = self.find(selector).screenshot_as_png
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def requests(self):
        """Schemes of all addresses that the page asked for since it was opened."""
        schemes = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            request = message["params"]
            if not request["documentURL"].startswith("chrome"):  # the browser's own first page
                schemes.add(urlsplit(request["request"]["url"]).scheme)
        return schemes

    def errors(self):
        """What the page wrote to the console as an error."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]
