"""Subscribes with default settings to the variables at the given paths and prints each notification.

A path is the browse names below Objects, without their namespaces, joined by "/"; one that does not exist yet is
waited for, because a sensor appears with its first reading. Prints a `ready` line when the items are created, then one
`notification` line for each notification, until the standard input is closed.
"""

import asyncio
import sys
import time

from asyncua import ua

import session


async def resolve(client, path):
    """Follows the names and asks the server to translate the same path: both must give one and the same node."""
    objects = ua.NodeId(ua.ObjectIds.ObjectsFolder)
    node_id, names = objects, []
    for part in path.split("/"):
        (references,) = await session.children(client, [node_id])
        matches = [r for r in references if r.BrowseName.Name == part]
        if len(matches) != 1:
            raise LookupError(f"{path}: {len(matches)} nodes named {part}")
        node_id = matches[0].NodeId
        names.append(matches[0].BrowseName)
    ((*targets,),) = await session.translate(client, objects, [names])
    if targets != [node_id]:
        raise LookupError(f"{path}: browsed to {node_id}, translated to {targets}")
    return client.get_node(node_id)


async def appear(client, path, patience=30):
    deadline = time.monotonic() + patience
    while True:
        try:
            return await resolve(client, path)
        except LookupError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


class Printer:
    def __init__(self, paths):
        self.paths = paths

    def datachange_notification(self, node, _value, data):
        value = data.monitored_item.Value
        stamp = value.SourceTimestamp
        session.emit(
            kind="notification",
            path=self.paths[node.nodeid],
            value=session.value_of(value),
            source_timestamp=stamp.isoformat() if stamp else None,
            **session.status_of(value),
        )

    def status_change_notification(self, status):
        session.emit(kind="error", error=f"subscription: {status}")


async def until_stdin_closes():
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def main():
    parser = session.arguments(__doc__)
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    client = await session.client_for(args)
    async with client:
        nodes = [await appear(client, path) for path in args.paths]
        printer = Printer({node.nodeid: path for node, path in zip(nodes, args.paths)})
        subscription = await client.create_subscription(500, printer)
        handles = await subscription.subscribe_data_change(nodes)
        for path, handle in zip(args.paths, handles if isinstance(handles, list) else [handles]):
            if isinstance(handle, ua.StatusCode):
                raise LookupError(f"{path}: {handle.name}")
        session.emit(kind="ready")
        await until_stdin_closes()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:  # the test shows it
        session.fail(error)
