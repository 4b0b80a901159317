"""What both programs share: a session with the server, browsing by reference, values as JSON.

Every line that a program prints is one JSON object; the tests read them and judge.
"""

import argparse
import dataclasses
import datetime
import enum
import json
import sys
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

APPLICATION_URI = "urn:umati-bridge:interop:asyncua"

SECURITY_POLICIES = {
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}

# HasEventSource and HasNotifier are hierarchical, but they say where events come from, not what a node holds.
EVENT_REFERENCES = {ua.ObjectIds.HasEventSource, ua.ObjectIds.HasNotifier}

# Nodes in one request: well below any server's OperationLimits.
BATCH = 400


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("url", help="opc.tcp://host:port/path")
    parser.add_argument("--policy", default="None", choices=["None", *SECURITY_POLICIES])
    parser.add_argument("--login", help="user:password")
    parser.add_argument("--user-certificate", help="DER, instead of --login")
    parser.add_argument("--user-key", help="its private key, PEM")
    parser.add_argument("--pki", type=Path, required=True, help="folder for the client's key and certificate")
    return parser


def emit(**line):
    print(json.dumps(line, ensure_ascii=False), flush=True)


async def client_for(args):
    """A client that is ready to connect; with a policy it signs and encrypts with a certificate of its own."""
    client = Client(args.url, timeout=30)
    client.application_uri = APPLICATION_URI
    if args.login:
        user, password = args.login.split(":")
        client.set_user(user)
        client.set_password(password)
    if args.user_certificate:
        await client.load_client_certificate(args.user_certificate, "der")
        await client.load_private_key(args.user_key, extension="pem")
    if args.policy != "None":
        key, certificate = args.pki / "key.pem", args.pki / "certificate.der"
        await setup_self_signed_certificate(
            key,
            certificate,
            APPLICATION_URI,
            "localhost",
            [ExtendedKeyUsageOID.CLIENT_AUTH],
            {"commonName": "umati-bridge interop asyncua", "organizationName": "umati-bridge"},
        )
        await client.set_security(
            SECURITY_POLICIES[args.policy],
            certificate=str(certificate),
            private_key=str(key),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
    return client


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """A node and the browse path that leads to it."""

    node_id: ua.NodeId
    names: tuple  # of ua.QualifiedName, from the starting node
    node_class: ua.NodeClass
    type_definition: ua.NodeId

    @property
    def path(self):
        return "/".join(name.Name for name in self.names)


async def children(client, node_ids):
    """For each node the references to what it holds, as lists in the same order."""
    found = []
    for start in range(0, len(node_ids), BATCH):
        params = ua.BrowseParameters()
        params.View.Timestamp = ua.get_win_epoch()
        params.RequestedMaxReferencesPerNode = 0
        for node_id in node_ids[start : start + BATCH]:
            description = ua.BrowseDescription()
            description.NodeId = node_id
            description.BrowseDirection = ua.BrowseDirection.Forward
            description.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
            description.IncludeSubtypes = True
            description.NodeClassMask = 0
            description.ResultMask = ua.BrowseResultMask.All
            params.NodesToBrowse.append(description)
        for result in await client.uaclient.browse(params):
            result.StatusCode.check()
            references = list(result.References)
            point = result.ContinuationPoint
            while point:
                more = ua.BrowseNextParameters()
                more.ContinuationPoints = [point]
                (rest,) = await client.uaclient.browse_next(more)
                rest.StatusCode.check()
                references += rest.References
                point = rest.ContinuationPoint
            found.append([r for r in references if r.ReferenceTypeId.Identifier not in EVENT_REFERENCES
                          or r.ReferenceTypeId.NamespaceIndex != 0])
    return found


async def walk(client, start, keep=lambda place: True, again=False):
    """Every place below `start`, level by level. A node with two parents is walked twice only if `again`."""
    level = [Place(start, (), ua.NodeClass.Object, ua.NodeId())]
    seen = {start}
    while level:
        below = []
        for parent, references in zip(level, await children(client, [p.node_id for p in level])):
            if len(parent.names) > 20:
                raise RuntimeError(f"{parent.path} is deeper than any model: the references form a cycle")
            for r in references:
                place = Place(r.NodeId, (*parent.names, r.BrowseName), r.NodeClass, r.TypeDefinition)
                if not keep(place) or (place.node_id in seen and not again):
                    continue
                seen.add(place.node_id)
                below.append(place)
                yield place
        level = below


async def translate(client, start, names):
    """The targets that the server finds for the browse paths `names`, in the same order."""
    targets = []
    for first in range(0, len(names), BATCH):
        params = []
        for chain in names[first : first + BATCH]:
            path = ua.BrowsePath()
            path.StartingNode = start
            for name in chain:
                element = ua.RelativePathElement()
                element.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
                element.IsInverse = False
                element.IncludeSubtypes = True
                element.TargetName = name
                path.RelativePath.Elements.append(element)
            params.append(path)
        for result in await client.uaclient.translate_browsepaths_to_nodeids(params):
            targets.append([target.TargetId for target in result.Targets] if result.StatusCode.is_good() else [])
    return targets


async def read(client, node_ids, attribute):
    """The DataValues of one attribute, in the same order. Bad ones are answers, too."""
    values = []
    for start in range(0, len(node_ids), BATCH):
        params = ua.ReadParameters()
        params.NodesToRead = [ua.ReadValueId(NodeId=n, AttributeId=attribute) for n in node_ids[start : start + BATCH]]
        values += await client.uaclient.read(params)
    return values


def status_of(data_value):
    status = data_value.StatusCode or ua.StatusCode(ua.UInt32(0))
    return {"status": status.value, "status_name": status.name}


def value_of(data_value):
    return to_json(data_value.Value.Value if data_value.Value is not None else None)


def to_json(value):
    """A value in JSON. Decoded structures show their fields, what stayed raw says so."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, enum.Enum):
        return int(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, ua.Variant):
        return to_json(value.Value)
    if isinstance(value, ua.NodeId):
        return value.to_string()
    if isinstance(value, ua.QualifiedName):
        return f"{value.NamespaceIndex}:{value.Name}"
    if isinstance(value, ua.LocalizedText):
        return {"locale": value.Locale, "text": value.Text}
    if isinstance(value, ua.ExtensionObject):
        return {"undecoded": to_json(value.TypeId)}
    if dataclasses.is_dataclass(value):
        fields = {f.name.rstrip("_"): to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"structure": type(value).__name__, **fields}
    return str(value)


def fail(error):
    emit(kind="error", error=f"{type(error).__name__}: {error}")
    sys.exit(1)
