"""Reads a variable again and again in one session, until its standard input is closed; then says how that went."""

import asyncio
import sys
import time

from asyncua import ua

import session

PAUSE = 0.02


async def main():
    args = session.arguments(__doc__).parse_args()
    client = await session.client_for(args)
    async with client:
        node = client.get_node(ua.NodeId(ua.ObjectIds.Server_ServerStatus_State))
        session.emit(kind="ready")
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        times = []
        while not ended.done():
            begun = time.perf_counter()
            state = await node.read_value()
            times.append((time.perf_counter() - begun) * 1000)
            if state != ua.ServerState.Running:
                raise RuntimeError(f"the server says that it is {state}")
            await asyncio.sleep(PAUSE)
        times.sort()
        at = lambda share: round(times[int(share * (len(times) - 1))], 1)
        session.emit(kind="served", reads=len(times), median=at(0.5), p99=at(0.99), worst=at(1))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:  # the test shows it
        session.fail(error)
