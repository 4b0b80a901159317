"""Logs in, then becomes another user in the same session, and says what it may see before and after."""

import asyncio

from asyncua import ua

import session


async def see(client, moment, node):
    (value,) = await session.read(client, [node.nodeid], ua.AttributeIds.Value)
    namespace = await client.get_namespace_index("http://opcfoundation.org/UA/Machinery/")
    machines = await client.get_node(ua.NodeId(1001, namespace)).get_children()
    names = [(await machine.read_browse_name()).Name for machine in machines]
    session.emit(kind="sees", moment=moment, machines=names, **session.status_of(value))


async def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--then", required=True, help="user:password of the other user")
    parser.add_argument("machine")
    args = parser.parse_args()
    client = await session.client_for(args)
    async with client:
        namespace = await client.get_namespace_index("http://opcfoundation.org/UA/Machinery/")
        children = await client.get_node(ua.NodeId(1001, namespace)).get_children()
        (machine,) = [child for child in children if (await child.read_browse_name()).Name == args.machine]
        async for place in session.walk(client, machine.nodeid):
            if place.node_class == ua.NodeClass.Variable:
                node = client.get_node(place.node_id)
                break
        await see(client, "before", node)
        user, password = args.then.split(":")
        await client.activate_session(username=user, password=password)
        await see(client, "after", node)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:  # the test shows it
        session.fail(error)
