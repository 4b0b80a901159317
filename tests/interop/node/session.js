"use strict";
// What both programs share: a session with the server, browsing by reference, values as JSON.
// Every line that a program prints is one JSON object; the tests read them and judge.

const path = require("node:path");
const { parseArgs } = require("node:util");
const {
  AttributeIds, BrowseDirection, DataValue, LocalizedText, MessageSecurityMode, NodeClass, NodeId,
  OPCUAClient, QualifiedName, SecurityPolicy, StatusCodes, UserTokenType, Variant, coerceNodeId,
} = require("node-opcua-client");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");

const POLICIES = ["None", "Aes128_Sha256_RsaOaep", "Basic256Sha256", "Aes256_Sha256_RsaPss"];

// HasEventSource and HasNotifier are hierarchical, but they say where events come from, not what a node holds.
const EVENT_REFERENCES = new Set(["ns=0;i=36", "ns=0;i=48"]);

const HIERARCHICAL = coerceNodeId("ns=0;i=33");

// Nodes in one request: well below any server's OperationLimits.
const BATCH = 400;

function commandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      policy: { type: "string", default: "None" },
      login: { type: "string" }, // user:password
      pki: { type: "string" },
    },
  });
  const [url, ...paths] = positionals;
  if (!url || !values.pki || !POLICIES.includes(values.policy)) {
    throw new Error(`usage: URL [PATH...] --pki FOLDER --policy ${POLICIES.join("|")}`);
  }
  return { url, paths, policy: values.policy, login: values.login, pki: values.pki };
}

function emit(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// Runs `task(session)` in a session; with a policy it signs and encrypts with a certificate of its own.
async function withSession({ url, policy, login, pki }, task) {
  const clientCertificateManager = new OPCUACertificateManager({
    rootFolder: path.resolve(pki),
    automaticallyAcceptUnknownCertificate: true,
  });
  await clientCertificateManager.initialize();
  const client = OPCUAClient.create({
    applicationName: "umati-bridge interop node-opcua",
    clientCertificateManager,
    connectionStrategy: { maxRetry: 2, initialDelay: 200, maxDelay: 1000 },
    securityMode: policy === "None" ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt,
    securityPolicy: SecurityPolicy[policy],
  });
  try {
    const [userName, password] = login ? login.split(":") : [];
    const userIdentity = login ? { type: UserTokenType.UserName, userName, password } : { type: UserTokenType.Anonymous };
    await client.withSessionAsync({ endpointUrl: url, userIdentity }, task);
  } finally {
    await clientCertificateManager.dispose();
  }
}

function* batches(items) {
  for (let start = 0; start < items.length; start += BATCH) {
    yield items.slice(start, start + BATCH);
  }
}

// For each node the references to what it holds, as arrays in the same order.
async function children(session, nodeIds) {
  const found = [];
  for (const batch of batches(nodeIds)) {
    const results = await session.browse(batch.map((nodeId) => ({
      nodeId,
      browseDirection: BrowseDirection.Forward,
      referenceTypeId: HIERARCHICAL,
      includeSubtypes: true,
      nodeClassMask: 0,
      resultMask: 63,
    })));
    for (let result of results) {
      const references = [];
      for (;;) {
        if (result.statusCode.isNotGood()) throw new Error(`Browse: ${result.statusCode.name}`);
        references.push(...result.references);
        if (!result.continuationPoint || result.continuationPoint.length === 0) break;
        result = await session.browseNext(result.continuationPoint, false);
      }
      found.push(references.filter((r) => !EVENT_REFERENCES.has(r.referenceTypeId.toString())));
    }
  }
  return found;
}

// Every place below `start`, level by level. A node with two parents is walked twice only if `again`.
async function walk(session, start, { again = false } = {}) {
  const places = [];
  const seen = new Set([start.toString()]);
  let level = [{ nodeId: start, names: [] }];
  while (level.length > 0) {
    const below = [];
    const references = await children(session, level.map((place) => place.nodeId));
    for (const [index, parent] of level.entries()) {
      if (parent.names.length > 20) throw new Error("deeper than any model: the references form a cycle");
      for (const r of references[index]) {
        const key = r.nodeId.toString();
        if (seen.has(key) && !again) continue;
        seen.add(key);
        below.push({
          nodeId: r.nodeId,
          names: [...parent.names, r.browseName],
          nodeClass: r.nodeClass,
          typeDefinition: r.typeDefinition,
        });
      }
    }
    places.push(...below);
    level = below;
  }
  return places;
}

// The targets that the server finds for the browse paths `chains`, in the same order.
async function translate(session, start, chains) {
  const targets = [];
  for (const batch of batches(chains)) {
    const results = await session.translateBrowsePath(batch.map((names) => ({
      startingNode: start,
      relativePath: {
        elements: names.map((targetName) => ({
          referenceTypeId: HIERARCHICAL, isInverse: false, includeSubtypes: true, targetName,
        })),
      },
    })));
    targets.push(...results.map((r) => (r.statusCode.isGood() ? r.targets.map((t) => t.targetId.toString()) : [])));
  }
  return targets;
}

// The DataValues of one attribute, in the same order. Bad ones are answers, too.
async function read(session, nodeIds, attributeId) {
  const values = [];
  for (const batch of batches(nodeIds)) {
    values.push(...(await session.read(batch.map((nodeId) => ({ nodeId, attributeId })))));
  }
  return values;
}

function statusOf(dataValue) {
  return { status: dataValue.statusCode.value, status_name: dataValue.statusCode.name };
}

function valueOf(dataValue) {
  return toJson(dataValue.value ? dataValue.value.value : null);
}

// A value in JSON. Decoded structures show their fields under the names of the specification.
function toJson(value) {
  if (value === null || value === undefined) return null;
  if (["boolean", "number", "string"].includes(typeof value)) return value;
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return { bytes: value.length };
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return Array.from(value, toJson);
  if (value instanceof Variant) return toJson(value.value);
  if (value instanceof NodeId) return value.toString();
  if (value instanceof QualifiedName) return `${value.namespaceIndex}:${value.name}`;
  if (value instanceof LocalizedText) return { locale: value.locale, text: value.text };
  if (value.constructor.name === "OpaqueStructure") return { undecoded: value.nodeId.toString() };
  if (value.schema) {
    const structure = { structure: value.schema.name };
    for (let schema = value.schema; schema; schema = schema._baseSchema) {
      for (const field of schema.fields) {
        structure[field.originalName ?? field.name.replace(/^./, (c) => c.toUpperCase())] = toJson(value[field.name]);
      }
    }
    return structure;
  }
  return String(value);
}

// Runs the program and prints how it failed, if it did: the test shows it.
async function run(program) {
  let code = 0;
  try {
    await program();
  } catch (error) {
    emit({ kind: "error", error: `${error.name}: ${error.message}` });
    code = 1;
  }
  // What was written goes out first; the library's timers would hold the process for a while.
  process.stdout.write("", () => process.exit(code));
}

module.exports = {
  AttributeIds, DataValue, NodeClass, StatusCodes, children, commandLine, emit, read, run, statusOf, toJson, translate,
  valueOf, walk, withSession,
};
