"""A program among the neighbours: ask it for help with something, and it says who offers that.

``python -m examples.care.bot http://127.0.0.1:8000 --folder kept`` signs in as Kettle, and has a
device of its own. It comes from elsewhere than the site, which serves it nothing to run.
"""

import argparse
import json
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from dmcore.adapters.e2ee import Opened, SealingDevice, wire
from dmcore.errors import UntrustedKeys
from examples.care.story import KETTLE, MEMBERS

_EVERY_S: Final = 2
_UNSURE: Final = "I know nobody for that yet. Ask for a lift, a meal, a letter or a wheelchair."


class Bot:
    """Kettle, at the address of a site; what its device knows is kept in a folder."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address.rstrip("/")
        self._open = build_opener(HTTPCookieProcessor(CookieJar())).open
        self._kept, self._secret = folder / "kettle.device", folder / "kettle.secret"
        self._post("/sign-in", urlencode({"member": KETTLE}).encode())
        self._device = self._device_of(folder)

    def look(self) -> None:
        """Accept whoever asks, and answer what was not read."""
        for entry in self._ask("GET", "/threads?folder=requests")["items"]:
            self._ask("POST", f"/threads/{entry['id']}/accept")
        for entry in self._ask("GET", "/threads")["items"]:
            if entry["unread"]:
                try:
                    self._answer(entry["id"])
                except UntrustedKeys as error:
                    print(f"{entry['other']} is not answered: {error}", flush=True)

    def _answer(self, thread: str) -> None:
        found = self._ask("GET", f"/threads/{thread}")
        other, read = found["thread"]["other"], found["thread"]["read"] or ""
        is_sealed = found["thread"]["is_sealed"]
        if is_sealed or any(told["envelope"] is not None for told in found["messages"]):
            keys = self._ask("GET", f"/users/{quote(other, safe='')}/keys")
            self._device.learn(wire.bundle_from_json(keys))
        for told in found["messages"]:
            if told["sender"] == other and told["id"] > read:
                answer = _answer_to(self._text_of(told))
                said = {"body": answer}
                # What was sealed is answered sealed, whatever the site says of the conversation.
                if is_sealed or told["envelope"] is not None:
                    claim = wire.claim_from_json(self._ask("POST", "/key-claims", {"user": other}))
                    said = wire.envelope_to_json(self._device.seal(answer, claim, to=other))
                self._send(thread, said, f"answer-to-{told['id']}")
                self._ask("POST", f"/threads/{thread}/read", {"through": told["id"]})

    def _send(self, thread: str, said: Mapping[str, Any], key: str) -> None:
        """Send it once: where the answer was lost, the site has it under this key already."""
        try:
            self._ask("POST", f"/threads/{thread}/messages", said, key)
        except HTTPError as error:
            if error.code != HTTPStatus.CONFLICT or json.load(error)["code"] != "key_conflict":
                raise

    def _text_of(self, told: Mapping[str, Any]) -> str:
        """What the other wrote, as far as this device can open it."""
        if told["envelope"] is None:
            return told["body"] or ""
        found = self._device.open(wire.message_from_json(told), partner=told["sender"])
        self._keep()
        return found.text if isinstance(found, Opened) else ""

    # Its device -----------------------------------------------------------------------------------

    def _device_of(self, folder: Path) -> SealingDevice:
        if self._kept.is_file():
            self._device = SealingDevice.imported(self._kept.read_bytes(), self._secret.read_text())
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._secret.touch(mode=0o600)
            self._secret.write_text(secrets.token_urlsafe(32))
            self._device = SealingDevice.new(KETTLE)
        # New keys each time it starts: those that it had may all be given out.
        listed = {it["id"] for it in self._ask("GET", "/devices")["items"]}
        path = f"/devices/{self._device.id}"
        if str(self._device.id) in listed:
            path, content = f"{path}/keys", wire.renewal_to_json(self._device.renewal())
        else:
            content = wire.enrolment_to_json(self._device.enrolment())
        self._keep()
        self._ask("PUT", path, content)
        return self._device

    def _keep(self) -> None:
        """What it opened once nobody opens again, so it is kept before anything else is done."""
        written = self._kept.with_suffix(".new")
        written.write_bytes(self._device.exported(self._secret.read_text()))
        written.replace(self._kept)

    # Asking ---------------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Any:
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        body = None if content is None else json.dumps(content).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self._address}/messages/api{path}"
        with self._open(Request(url, data=body, headers=headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def _post(self, path: str, form: bytes) -> None:
        with self._open(Request(f"{self._address}{path}", data=form)):
            pass


def _answer_to(text: str) -> str:
    words = {word.strip(".,!?").lower() for word in text.split() if len(word) > 3}
    found = [
        f"{member.name}: {member.offers}"
        for member in MEMBERS
        if member.id != KETTLE and any(word in member.offers.lower() for word in words)
    ]
    return "\n".join(found) or _UNSURE


def main() -> None:
    """Look again and again, until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m examples.care.bot", description=__doc__)
    parser.add_argument("address", help="where the site is")
    parser.add_argument("--folder", type=Path, required=True, help="where its device is kept")
    options = parser.parse_args()
    bot = Bot(options.address, options.folder)
    print("Kettle listens. Ctrl+C ends it.", flush=True)
    try:
        while True:
            try:
                bot.look()
            except OSError as error:
                print(f"Trying again: {error}", flush=True)
            time.sleep(_EVERY_S)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
