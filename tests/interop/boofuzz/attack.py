"""boofuzz against the port: HEL, OPN and MSG of OPC UA TCP (OPC 10000-6 §7.1, §6.7) with one field wrong at a time.

boofuzz makes up some tens of thousands of messages; of these a random sample is sent, as many as fit into the time.
Prints one JSON object at the end. Everything that boofuzz keeps goes into the folder that it is started in.
"""

import argparse
import json
import random
import struct
import time
from collections import Counter

from boofuzz import (
    Block, Bytes, DWord, FuzzLogger, Group, ProtocolSessionReference, Request, Session, Size, Static, String, Target,
    TCPSocketConnection,
)

NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
HOST = "127.0.0.1"

# Encodings of the requests that need no session, and of some that do.
SERVICES = {
    "GetEndpoints": 428, "FindServers": 422, "CreateSession": 461, "ActivateSession": 467, "Read": 631, "Write": 673,
    "Browse": 527, "Call": 712, "CreateSubscription": 787, "Publish": 826, "CloseSession": 473,
}


def encoding(identifier):
    """A NodeId of namespace 0 in its form of four bytes."""
    return struct.pack("<BBH", 1, 0, identifier)


def text(name, value, **how):
    """A String with its length, both of which can be wrong."""
    return [Size(f"{name}-length", block_name=name), Block(name, children=[String(f"{name}-value", value, **how)])]


def octets(name, value, **how):
    return [Size(f"{name}-length", block_name=name), Block(name, children=[Bytes(f"{name}-value", value, **how)])]


def message(name, kind, *fields):
    """A chunk: its type, its size, and what it holds."""
    return Request(name, children=[
        Group("type", [kind, "HEL", "ACK", "ERR", "OPN", "MSG", "CLO", "RHE", "XXX"], default_value=kind),
        Group("chunk", ["F", "C", "A", "\0"], default_value="F"),
        Size("size", block_name="body", offset=8),
        Block("body", children=list(fields)),
    ])


def request_header():
    return [
        Static("authentication", encoding(0)),
        Bytes("timestamp", b"\0" * 8, size=8),
        DWord("handle", 1),
        DWord("diagnostics", 0),
        *text("audit", "", max_len=2000),
        DWord("timeout", 5000),
        Bytes("additional", b"\0\0\0", max_len=200),
    ]


def told(name):
    """What the server has told of its channel."""
    return Static(name, ProtocolSessionReference(name, default_value=b"\0" * 4))


def model(session):
    hello = message(
        "HEL", "HEL", DWord("version", 0), DWord("receive", 65536), DWord("send", 65536), DWord("longest", 0),
        DWord("chunks", 0), *text("url", f"opc.tcp://{HOST}/", max_len=9000),
    )
    opening = message(
        "OPN", "OPN", DWord("channel", 0), *text("policy", NONE, max_len=2000),
        *octets("certificate", b"", max_len=70000), *octets("thumbprint", b"", max_len=200), DWord("sequence", 1),
        DWord("request", 1), Bytes("service", encoding(446), max_len=40), *request_header(), DWord("version", 0),
        DWord("issue-or-renew", 0), DWord("mode", 1), *octets("nonce", b"", max_len=2000), DWord("lifetime", 60000),
    )
    session.connect(hello)
    session.connect(hello, opening)
    for name, identifier in SERVICES.items():
        body = message(
            name, "MSG", told("channel"), told("token"), DWord("sequence", 2), DWord("request", 2),
            Bytes("service", encoding(identifier), max_len=40), *request_header(),
            *text("url", f"opc.tcp://{HOST}/", max_len=2000), Bytes("rest", b"\xff" * 40, max_len=20000),
        )
        session.connect(opening, body, callback=remember_channel)


def remember_channel(target, logger, session, test_case_context, **_):
    """Reads the numbers of channel and token out of the answer to OPN. Without one, the message is for no channel."""
    answer = session.last_recv or b""
    test_case_context.session_variables.update(channel=b"\0" * 4, token=b"\0" * 4)
    try:
        at = 12
        for _field in ("policy", "certificate", "thumbprint"):
            (length,) = struct.unpack_from("<i", answer, at)
            at += 4 + max(length, 0)
        # Sequence header, type, then a response header without diagnostics, strings and additions; then the version.
        at += 8 + 4 + 24 + 4
        channel, token = answer[at:at + 4], answer[at + 4:at + 8]
    except struct.error:
        return
    if len(token) == 4 and channel == answer[8:12]:
        test_case_context.session_variables.update(channel=channel, token=token)
        session.channels += 1


class Sample(Session):
    """Sends a random part of the cases. Each kind of message has its share of the time."""

    def begin(self, generator, seconds):
        kinds = ["HEL", "HEL", "OPN", "OPN", *SERVICES]
        now = time.monotonic()
        self.until = {kind: now + seconds * (place + 1) / len(kinds) for place, kind in enumerate(kinds)}
        self.generator = generator
        self.sent, self.channels = Counter(), 0
        self.fuzz(max_depth=1)

    def _fuzz_current_case(self, mutation_context):
        kind = self.fuzz_node.name
        if time.monotonic() < self.until[kind] and self.generator.random() < SHARE.get(kind, 0.02):
            self.sent[kind] += 1
            super()._fuzz_current_case(mutation_context)


SHARE = {"HEL": 0.1, "OPN": 0.1}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    session = Sample(
        target=Target(connection=TCPSocketConnection(HOST, args.port, send_timeout=2, recv_timeout=0.2)),
        fuzz_loggers=[FuzzLogger([])],
        web_port=None,
        keep_web_open=False,
        db_filename="cases.db",
        fuzz_db_keep_only_n_pass_cases=1,
        receive_data_after_fuzz=True,
        ignore_connection_reset=True,
        ignore_connection_aborted=True,
        crash_threshold_request=10**9,
        crash_threshold_element=10**9,
        restart_sleep_time=0,
    )
    model(session)
    session.begin(random.Random(args.seed), args.seconds)
    print(json.dumps({"sent": session.sent, "channels": session.channels, "of": session.num_mutations(max_depth=1)}))


if __name__ == "__main__":
    main()
