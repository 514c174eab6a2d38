"""The demo site, as a person would open it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

command = [str(Path(sys.executable).with_name("dmcore")), "demo", "--json", "--port", "0"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site:
    assert site.stdout is not None
    told = json.loads(site.stdout.readline())
    with urlopen(told["url"]) as page:
        assert page.status == 200
    site.send_signal(signal.SIGINT)
    assert site.wait() == 130
