"use strict";
// Subscribes with default settings to the variables at the given paths and prints each notification.
//
// A path is the browse names below Objects, without their namespaces, joined by "/"; one that does not exist yet is
// waited for, because a sensor appears with its first reading. Prints a `ready` line when the items are created, then
// one `notification` line for each notification, until the standard input is closed.

const { setTimeout: after } = require("node:timers/promises");

const { ClientMonitoredItem, ClientSubscription, TimestampsToReturn, coerceNodeId } = require("node-opcua-client");
const {
  AttributeIds, children, commandLine, emit, run, statusOf, translate, valueOf, withSession,
} = require("./session");

const OBJECTS = coerceNodeId("ns=0;i=85");

class NotThere extends Error {}

// Follows the names and asks the server to translate the same path: both must give one and the same node.
async function resolve(session, path) {
  let nodeId = OBJECTS;
  const names = [];
  for (const part of path.split("/")) {
    const [references] = await children(session, [nodeId]);
    const matches = references.filter((r) => r.browseName.name === part);
    if (matches.length !== 1) throw new NotThere(`${path}: ${matches.length} nodes named ${part}`);
    nodeId = matches[0].nodeId;
    names.push(matches[0].browseName);
  }
  const [targets] = await translate(session, OBJECTS, [names]);
  if (targets.length !== 1 || targets[0] !== nodeId.toString()) {
    throw new NotThere(`${path}: browsed to ${nodeId}, translated to ${targets}`);
  }
  return nodeId;
}

async function appear(session, path, patience = 30_000) {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      return await resolve(session, path);
    } catch (error) {
      if (!(error instanceof NotThere) || Date.now() > deadline) throw error;
    }
    await after(100);
  }
}

async function watch(session, subscription, path) {
  const nodeId = await appear(session, path);
  const item = ClientMonitoredItem.create(
    subscription, { nodeId, attributeId: AttributeIds.Value }, {}, TimestampsToReturn.Both);
  item.on("changed", (dataValue) => emit({
    kind: "notification",
    path,
    value: valueOf(dataValue),
    source_timestamp: dataValue.sourceTimestamp?.toISOString() ?? null,
    ...statusOf(dataValue),
  }));
  await new Promise((created, failed) => {
    item.once("initialized", created);
    item.once("err", (message) => failed(new Error(`${path}: ${message}`)));
  });
}

function untilStdinCloses() {
  return new Promise((closed) => {
    process.stdin.on("end", closed);
    process.stdin.resume();
  });
}

run(() => {
  const options = commandLine();
  return withSession(options, async (session) => {
    const subscription = ClientSubscription.create(session, { publishingEnabled: true });
    await new Promise((started) => subscription.once("started", started));
    for (const path of options.paths) {
      await watch(session, subscription, path);
    }
    emit({ kind: "ready" });
    await untilStdinCloses();
    await subscription.terminate();
  });
});
