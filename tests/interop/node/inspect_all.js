"use strict";
// Browses and reads everything that a client can find below Machines and Types, and prints what it saw.
//
// Prints one `node` line for each place below Machines, one `types` line and one `summary` line.

const { coerceNodeId } = require("node-opcua-client");
const {
  AttributeIds, NodeClass, commandLine, emit, read, run, statusOf, translate, valueOf, walk, withSession,
} = require("./session");

const MACHINERY = "http://opcfoundation.org/UA/Machinery/";

async function namesOf(session, nodeIds) {
  const ids = [...new Set(nodeIds)];
  const names = await read(session, ids, AttributeIds.BrowseName);
  return new Map(ids.map((id, index) => [id, names[index].value.value.name]));
}

// The names of the values, by data type; only for enumerations.
async function enumerations(session, typeIds) {
  const ids = [...new Set(typeIds)];
  const definitions = await read(session, ids, AttributeIds.DataTypeDefinition);
  const known = new Map();
  for (const [index, id] of ids.entries()) {
    const definition = definitions[index].value?.value;
    if (definition?.schema?.name !== "EnumDefinition") continue;
    known.set(id, new Map(definition.fields.map((field) => [Number(field.value[1]), field.name])));
  }
  return known;
}

async function machines(session, namespaces) {
  const root = coerceNodeId(`ns=${namespaces.indexOf(MACHINERY)};i=1001`);
  const places = await walk(session, root, { again: true });
  const targets = await translate(session, root, places.map((place) => place.names));
  const variables = places.filter((place) => place.nodeClass === NodeClass.Variable);
  const ids = variables.map((place) => place.nodeId);
  const values = await read(session, ids, AttributeIds.Value);
  const ofType = (await read(session, ids, AttributeIds.DataType)).map((v) => v.value.value.toString());
  const dataTypes = await namesOf(session, ofType);
  const members = await enumerations(session, ofType);
  const types = await namesOf(session, places.map((p) => p.typeDefinition).filter((t) => !t.isEmpty()).map(String));
  const details = new Map(variables.map((place, index) => [place, { value: values[index], type: ofType[index] }]));
  for (const [index, place] of places.entries()) {
    const line = {
      kind: "node",
      path: place.names.map((name) => name.name).join("/"),
      browse_path: place.names.map((name) => `${name.namespaceIndex}:${name.name}`).join("/"),
      node_id: place.nodeId.toString(),
      class: NodeClass[place.nodeClass],
      type: types.get(place.typeDefinition.toString()) ?? null,
      translates: targets[index].length === 1 && targets[index][0] === place.nodeId.toString(),
    };
    if (details.has(place)) {
      const { value, type } = details.get(place);
      Object.assign(line, statusOf(value), { data_type: dataTypes.get(type), value: valueOf(value) });
      line.enum = members.get(type)?.get(line.value) ?? null;
    }
    emit(line);
  }
  return places.length;
}

async function types(session) {
  const places = await walk(session, coerceNodeId("ns=0;i=86"));
  const variables = places.filter((place) => place.nodeClass === NodeClass.Variable);
  const values = await read(session, variables.map((place) => place.nodeId), AttributeIds.Value);
  const count = (items) => items.reduce((sums, item) => ({ ...sums, [item]: (sums[item] ?? 0) + 1 }), {});
  const notGood = variables
    .map((place, index) => [place, values[index].statusCode])
    .filter(([, status]) => status.isNotGood())
    .map(([place, status]) => `${place.nodeId} ${place.names.map((n) => n.name).join("/")}: ${status.name}`);
  emit({
    kind: "types",
    nodes: places.length,
    by_namespace: count(places.map((place) => place.nodeId.namespace)),
    variables: variables.length,
    statuses: count(values.map((value) => value.statusCode.name)),
    not_good: notGood.slice(0, 50),
  });
}

run(() => {
  const options = commandLine();
  return withSession(options, async (session) => {
    const namespaces = await session.readNamespaceArray();
    const nodes = await machines(session, namespaces);
    await types(session);
    emit({ kind: "summary", namespaces, nodes });
  });
});
