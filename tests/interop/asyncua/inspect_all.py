"""Browses and reads everything that a client can find below Machines and Types, and prints what it saw.

Prints one `node` line for each place below Machines, one `types` line and one `summary` line.
"""

import asyncio
from collections import Counter

from asyncua import ua

import session

MACHINES = ("http://opcfoundation.org/UA/Machinery/", 1001)


async def data_types(client, type_ids):
    """Name and, for enumerations, the names of the values, by data type."""
    known = {}
    for type_id in sorted(type_ids, key=lambda n: n.to_string()):
        node = client.get_node(type_id)
        name = (await node.read_browse_name()).Name
        (definition,) = await session.read(client, [type_id], ua.AttributeIds.DataTypeDefinition)
        members = {}
        if definition.Value is not None and isinstance(definition.Value.Value, ua.EnumDefinition):
            members = {field.Value: field.Name for field in definition.Value.Value.Fields}
        known[type_id] = (name, members)
    return known


async def machines(client):
    namespace, identifier = MACHINES
    root = ua.NodeId(identifier, await client.get_namespace_index(namespace))
    places = [place async for place in session.walk(client, root, again=True)]
    targets = await session.translate(client, root, [place.names for place in places])
    variables = [place for place in places if place.node_class == ua.NodeClass.Variable]
    values = dict(zip(variables, await session.read(client, [p.node_id for p in variables], ua.AttributeIds.Value)))
    of_type = dict(zip(variables, await session.read(client, [p.node_id for p in variables], ua.AttributeIds.DataType)))
    known = await data_types(client, {v.Value.Value for v in of_type.values()})
    type_names = {
        type_id: (await client.get_node(type_id).read_browse_name()).Name
        for type_id in {place.type_definition for place in places if not place.type_definition.is_null()}
    }
    for place, found in zip(places, targets):
        line = {
            "path": place.path,
            "browse_path": "/".join(f"{n.NamespaceIndex}:{n.Name}" for n in place.names),
            "node_id": place.node_id.to_string(),
            "class": ua.NodeClass(place.node_class).name,
            "type": type_names.get(place.type_definition),
            "translates": [t.to_string() for t in found] == [place.node_id.to_string()],
        }
        if place in values:
            name, members = known[of_type[place].Value.Value]
            line |= session.status_of(values[place])
            line["data_type"] = name
            line["value"] = session.value_of(values[place])
            line["enum"] = members.get(line["value"]) if isinstance(line["value"], int) else None
        session.emit(kind="node", **line)
    return places


async def types(client):
    places = [place async for place in session.walk(client, ua.NodeId(ua.ObjectIds.TypesFolder))]
    variables = [p for p in places if p.node_class == ua.NodeClass.Variable]
    values = await session.read(client, [p.node_id for p in variables], ua.AttributeIds.Value)
    statuses = [session.status_of(v)["status_name"] for v in values]
    session.emit(
        kind="types",
        nodes=len(places),
        by_namespace=dict(sorted(Counter(p.node_id.NamespaceIndex for p in places).items())),
        variables=len(variables),
        statuses=Counter(statuses),
        not_good=[f"{p.node_id.to_string()} {p.path}: {s}" for p, s in zip(variables, statuses) if s != "Good"][:50],
    )


async def main():
    args = session.arguments(__doc__).parse_args()
    client = await session.client_for(args)
    async with client:
        await client.load_data_type_definitions()
        places = await machines(client)
        await types(client)
        session.emit(kind="summary", namespaces=await client.get_namespace_array(), nodes=len(places))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Exception as error:  # the test shows it
        session.fail(error)
