"""Reads the lists of job management of every machine and prints each with all of its fields."""

import asyncio

from asyncua import ua

import session

MACHINES = ("http://opcfoundation.org/UA/Machinery/", 1001)
LISTS = {"JobOrderList", "JobOrderResponseList", "WorkMaster"}


async def main():
    args = session.arguments(__doc__).parse_args()
    client = await session.client_for(args)
    async with client:
        await client.load_data_type_definitions()
        namespace, identifier = MACHINES
        root = ua.NodeId(identifier, await client.get_namespace_index(namespace))
        places = [place async for place in session.walk(client, root) if place.names[-1].Name in LISTS]
        values = await session.read(client, [place.node_id for place in places], ua.AttributeIds.Value)
        for place, value in zip(places, values):
            session.emit(kind="list", path=place.path, **session.status_of(value), value=session.value_of(value))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:  # the test shows it
        session.fail(error)
