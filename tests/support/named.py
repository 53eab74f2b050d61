"""A real DNS server for tests: BIND, with zones of its own and two TSIG keys, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.setup import bind

ROOT = Path(__file__).parents[2]
ZONE = "contoso.test"
CHILD = "voice.contoso.test"
"""A zone of its own, on the same server: nothing refers to it but the NS records in its parent."""
KEY, SECRET = "onboarding.contoso.test", "b25seSBmb3IgdGhlIHRlc3RzIG9mIHRoaXMgcHJvamVjdCE="
READER, READERS_SECRET = "reader", "bWF5IGFzaywgYW5kIG1heSBub3QgYWRkIGFueXRoaW5nIQ=="
"""A key that may ask, and not update."""
ADDRESS = "127.0.0.1"
ATTEMPTS = 10

HEAD = f"""$TTL 300
@ IN SOA ns1.{ZONE}. hostmaster.{ZONE}. 1 3600 300 1209600 60
@ IN NS ns1.{ZONE}.
"""
ZONES = {
    ZONE: f"""{HEAD}
ns1 IN A {ADDRESS}
@ 900 IN TXT "v=spf1 -all"
www IN CNAME elsewhere.example.
{"".join(f'big IN TXT "{str(n) * 200}"{chr(10)}' for n in range(9))}
voice IN NS ns1.{ZONE}.
""",
    CHILD: f"{HEAD}\nwww IN CNAME elsewhere.example.\n",
}
CONFIGURATION = """
options {{
    directory "{folder}";
    listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    pid-file none;
    lock-file none;
    session-keyfile none;
    notify no;
}};
controls {{ }};
logging {{ {quiet} }};
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
key "{reader}" {{ algorithm hmac-sha512; secret "{readers}"; }};
"""
QUIET = ("update", "update-security", "security", "client", "query-errors")
"""What it says nothing of: nobody reads it while it runs."""
ZONE_CONFIGURATION = """
zone "{zone}" {{ type primary; file "{zone}.zone"; update-policy {{ grant "{key}" zonesub TXT; }}; }};
"""


@dataclass(frozen=True, slots=True)
class Named:
    """It runs."""

    port: int

    @property
    def resolver(self) -> str:
        """As a setting names it: what it has, it says to whoever asks."""
        return f"{ADDRESS}:{self.port}"


@contextmanager
def running_named(folder: Path) -> Iterator[Named]:
    """BIND with the zones above, until the end of the block. Fails where there is none."""
    program = bind.find(ROOT)
    assert program is not None, "there is no DNS server BIND: `python3 dev.py test integration` fetches it"
    for attempt in range(ATTEMPTS):
        port = _free_port()
        process = subprocess.Popen(
            [program.path, "-g", "-c", _configured(folder, port)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **program.environment},
        )
        try:
            said = _until_it_runs(process)
            if said is None:
                yield Named(port)
                return
            assert attempt + 1 < ATTEMPTS, f"BIND did not start: {said}"
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _until_it_runs(process: subprocess.Popen[str]) -> str | None:
    """None once it answers; what it said, when it ended."""
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if "couldn't add command channel" not in line and line.rstrip().endswith(" running"):
            return None
        if "address in use" in line:
            return line
    return "".join(said[-20:])


def _configured(folder: Path, port: int) -> Path:
    text = CONFIGURATION.format(
        quiet=" ".join(f"category {name} {{ null; }};" for name in QUIET),
        folder=folder,
        port=port,
        address=ADDRESS,
        key=KEY,
        secret=SECRET,
        reader=READER,
        readers=READERS_SECRET,
    )
    for zone, records in ZONES.items():
        (folder / f"{zone}.zone").write_text(records, encoding="utf-8")
        text += ZONE_CONFIGURATION.format(zone=zone, key=KEY)
    file = folder / "named.conf"
    file.write_text(text, encoding="utf-8")
    return file


def _free_port() -> int:
    """Free for TCP; for UDP too, as nearly always."""
    with socket.socket() as one:
        one.bind((ADDRESS, 0))
        return int(one.getsockname()[1])
