"""asyncua, patched while it runs so that what it sends is wrong: one kind of fault for each connection.

The faults are made before signing and encryption, so that the server decrypts them and has to look at them. Prints one
JSON object at the end.
"""

import asyncio
import logging
import random
import struct
import time
from collections import Counter

from asyncua import Client, ua
from asyncua.common import connection

import session

# The connection may have ended, and then nobody answers.
ANSWER = 0.25
CONNECTION = 4
# Connections at a time.
ATTACKERS = 4


class Fault:
    """What is wrong with the messages of this connection from message number `start` on: 0 is OPN, 1 CreateSession."""

    def __init__(self, kind, start, generator):
        self.kind, self.start, self.generator = kind, start, generator
        self.seen = 0
        self.done = 0

    def begins(self):
        self.seen += 1
        return self.seen > self.start


KINDS = [b"HEL", b"ACK", b"ERR", b"OPN", b"MSG", b"CLO", b"RHE"]
NUMBERS = [0, 1, 2, 3, 1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFBFF, 0xFFFFFFFF]


def sequence(chunks, generator):
    for chunk in chunks:
        chunk.SequenceHeader.SequenceNumber = generator.choice(NUMBERS)


def request(chunks, generator):
    for chunk in chunks:
        chunk.SequenceHeader.RequestId = generator.choice(NUMBERS)


def channel(chunks, generator):
    for chunk in chunks:
        chunk.MessageHeader.ChannelId = generator.choice(NUMBERS)


def token(chunks, generator):
    for chunk in chunks:
        if isinstance(chunk.SecurityHeader, ua.SymmetricAlgorithmHeader):
            chunk.SecurityHeader.TokenId = generator.choice(NUMBERS)
        else:
            chunk.SecurityHeader.ReceiverCertificateThumbPrint = generator.randbytes(generator.choice([0, 19, 20, 500]))


def kind(chunks, generator):
    for chunk in chunks:
        chunk.MessageHeader.MessageType = generator.choice(KINDS)


def unfinished(chunks, generator):
    for chunk in chunks:
        chunk.MessageHeader.ChunkType = generator.choice([ua.ChunkType.Intermediate, ua.ChunkType.Abort])


def truncated(chunks, generator):
    for chunk in chunks:
        chunk.Body = chunk.Body[: generator.randrange(len(chunk.Body))]


def longer(chunks, generator):
    for chunk in chunks:
        chunk.Body += generator.randbytes(generator.choice([1, 16, 4000]))


def lengths(chunks, generator):
    """Somewhere stands a length, or what is taken for one."""
    for chunk in chunks:
        body = bytearray(chunk.Body)
        at = generator.randrange(max(1, len(body) - 4))
        body[at : at + 4] = struct.pack("<I", generator.choice(NUMBERS))
        chunk.Body = bytes(body)


def bits(chunks, generator):
    for chunk in chunks:
        body = bytearray(chunk.Body)
        for _ in range(generator.randint(1, 8)):
            body[generator.randrange(len(body))] ^= 1 << generator.randrange(8)
        chunk.Body = bytes(body)


def service(chunks, generator):
    """Another service, one that does not exist, a response, or no identifier at all."""
    identifiers = [0, 1, 397, 446, 449, 452, 461, 467, 473, 527, 533, 631, 673, 712, 751, 763, 787, 826, 841, 12345, 65535]
    for chunk in chunks:
        head = struct.pack("<BBH", 1, generator.choice([0, 0, 0, 9]), generator.choice(identifiers))
        chunk.Body = generator.choice([head, b"\0\0", b"\x05\xff\xff\xff\xff\xff\xff", head]) + chunk.Body[4:]


def size(binary, generator):
    """The size in the header of the first chunk."""
    true = len(binary)
    wrong = generator.choice([0, 7, 8, true - 1, true + 1, true + 100, 65536, 65537, 0x7FFFFFFF, 0xFFFFFFFF])
    return binary[:4] + struct.pack("<I", wrong) + binary[8:]


def tampered(binary, generator):
    """Bits of what is signed and encrypted already."""
    binary = bytearray(binary)
    for _ in range(generator.randint(1, 4)):
        binary[generator.randrange(8, len(binary))] ^= 1 << generator.randrange(8)
    return bytes(binary)


def twice(binary, generator):
    return binary * generator.randint(2, 5)


OF_CHUNKS = [sequence, request, channel, token, kind, unfinished, truncated, longer, lengths, bits, service]
OF_BYTES = [size, tampered, twice]
FAULTS = OF_CHUNKS + OF_BYTES


def patch():
    """From now on each connection that has a fault sends with it."""
    to_chunks = connection.MessageChunk.message_to_chunks
    to_binary = connection.SecureConnection.message_to_binary

    def message_to_binary(self, *args, **more):
        fault = getattr(self, "fault", None)
        if fault is None or not fault.begins():
            return to_binary(self, *args, **more)
        if fault.kind in OF_BYTES:
            wrong = fault.kind(to_binary(self, *args, **more), fault.generator)
            fault.done += 1
            return wrong
        pending = []

        def message_to_chunks(*args, **more):
            # The caller numbers them; then it is our turn.
            pending.extend(to_chunks(*args, **more))
            return pending

        connection.MessageChunk.message_to_chunks = staticmethod(message_to_chunks)
        try:
            to_binary(self, *args, **more)
        finally:
            connection.MessageChunk.message_to_chunks = staticmethod(to_chunks)
        fault.kind(pending, fault.generator)
        wrong = b"".join(chunk.to_binary() for chunk in pending)
        fault.done += 1
        return wrong

    connection.SecureConnection.message_to_binary = message_to_binary


async def requests(client):
    """What a MES asks for; each may fail."""
    server = client.get_node(ua.NodeId(ua.ObjectIds.Server))
    steps = [
        lambda: server.read_browse_name(),
        lambda: server.get_children(),
        lambda: client.get_node(ua.NodeId(ua.ObjectIds.Server_ServerStatus)).read_value(),
        lambda: client.get_node(ua.NodeId(ua.ObjectIds.Server_Auditing)).write_value(True),
        lambda: server.call_method(ua.NodeId(ua.ObjectIds.Server_GetMonitoredItems), ua.UInt32(1)),
        lambda: client.create_subscription(100, Silent()),
        lambda: server.get_child(["0:ServerStatus", "0:State"]),
    ]
    answered = 0
    for step in steps:
        try:
            await asyncio.wait_for(step(), ANSWER)
            answered += 1
        except ua.UaStatusCodeError:
            answered += 1
        except Exception:
            if client.uaclient.protocol.transport is None:
                break
    return answered


class Silent:
    def datachange_notification(self, node, value, data):
        pass


async def attempt(args, fault):
    client = await session.client_for(args)
    # Of most sessions nobody takes leave: they go by themselves, and make room.
    client.session_timeout = 2_000
    answered = 0
    try:
        await client.connect_socket()
        client.uaclient.protocol._connection.fault = fault
        await client.send_hello()
        await client.open_secure_channel()
        await client.create_session()
        await client.activate_session(username=client._username, password=client._password)
        answered = await requests(client)
    except Exception as error:
        outcome = type(error).__name__
    else:
        outcome = "went on"
    finally:
        client.disconnect_socket()
    return outcome, answered


class Account:
    """What was done, and what came of it."""

    def __init__(self, until, most):
        self.until, self.most = until, most
        self.connections, self.answered = 0, 0
        self.outcomes, self.faults = Counter(), Counter({kind.__name__: 0 for kind in FAULTS})

    def next_fault(self):
        """Each in turn, and each at least once; None at the end."""
        is_over = time.monotonic() > self.until and self.connections >= len(FAULTS)
        if is_over or self.connections >= self.most:
            return None
        self.connections += 1
        return FAULTS[self.connections % len(FAULTS)]


async def attack(args, generator, told):
    while kind := told.next_fault():
        fault = Fault(kind, generator.choice([0, 1, 2, 3, 3, 3, 4, 5, 6]), generator)
        try:
            outcome, answered = await asyncio.wait_for(attempt(args, fault), CONNECTION)
        except asyncio.TimeoutError:
            outcome, answered = "silence", 0
        told.outcomes[outcome] += 1
        told.faults[kind.__name__] += fault.done
        told.answered += answered


async def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--most", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    patch()
    told = Account(time.monotonic() + args.seconds, args.most)
    await asyncio.gather(*(attack(args, random.Random(args.seed + number), told) for number in range(ATTACKERS)))
    session.emit(
        kind="attacked", connections=told.connections, answered=told.answered, outcomes=told.outcomes, faults=told.faults
    )


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:  # the test shows it
        session.fail(error)
