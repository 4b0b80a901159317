"use strict";
// Reads the lists of job management of every machine and prints each with all of its fields.

const { coerceNodeId } = require("node-opcua-client");
const { AttributeIds, commandLine, emit, read, run, statusOf, valueOf, walk, withSession } = require("./session");

const MACHINERY = "http://opcfoundation.org/UA/Machinery/";
const LISTS = new Set(["JobOrderList", "JobOrderResponseList", "WorkMaster"]);

run(() => withSession(commandLine(), async (session) => {
  const namespaces = await session.readNamespaceArray();
  const root = coerceNodeId(`ns=${namespaces.indexOf(MACHINERY)};i=1001`);
  const places = (await walk(session, root)).filter((place) => LISTS.has(place.names.at(-1).name));
  const values = await read(session, places.map((place) => place.nodeId), AttributeIds.Value);
  for (const [index, place] of places.entries()) {
    const path = place.names.map((name) => name.name).join("/");
    emit({ kind: "list", path, ...statusOf(values[index]), value: valueOf(values[index]) });
  }
}));
