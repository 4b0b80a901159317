//! Bodies in OPC UA binary: made, read, and recognised inside requests.
//!
//! Always holds: what a stranger sent is decoded under limits of length and nesting, all of its bytes or none, and
//! a body that cannot be decoded stays raw instead of spoiling the request that it came with.

use std::io::{Read, Write};
use std::sync::OnceLock;

use opcua::types::xml::{XmlStreamReader, XmlStreamWriter};
use opcua::types::{
    BinaryEncodable, ByteString, ByteStringBody, Context, DecodingOptions, DepthGauge,
    DynEncodable, EncodingResult, ExtensionObject, NamespaceMap, NodeId, TypeLoader,
    TypeLoaderCollection,
};

use super::types::{
    Equipment, JobOrder, JobOrderAndState, JobResponse, Material, Parameter, Personnel,
    PhysicalAsset, Property, RunInfo, State, Structure, WorkMaster,
};
use crate::umati::namespaces;

/// Lists in lists, structures in values: parameters of parameters take two levels each.
const MAX_NESTING: u64 = 32;
/// Elements of one array.
const MAX_ARRAY: usize = 10_000;
/// Bytes of one text.
const MAX_TEXT: usize = 64 * 1024;
/// Bytes of one body.
const MAX_BODY: usize = 1024 * 1024;

/// What a context borrows. Namespace indexes are constants of this program, so no running server is needed.
struct Known {
    uris: NamespaceMap,
    loaders: TypeLoaderCollection,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut uris = NamespaceMap::new();
        // Stands for the ApplicationUri: only its index matters.
        uris.add_namespace("urn:server");
        for uri in namespaces::TYPE_URIS {
            uris.add_namespace(uri);
        }
        let mut loaders = TypeLoaderCollection::new();
        loaders.add_type_loader(Loader);
        Known { uris, loaders }
    })
}

/// A context of its own for each use, because it counts levels.
fn context() -> Context<'static> {
    let Known { uris, loaders } = known();
    let options = DecodingOptions {
        max_message_size: MAX_BODY,
        max_array_length: MAX_ARRAY,
        max_string_length: MAX_TEXT,
        max_byte_string_length: MAX_TEXT,
        decoding_depth_gauge: DepthGauge::new(MAX_NESTING),
        ..DecodingOptions::default()
    };
    Context::new(uris, loaders, options)
}

/// The body of a structure.
///
/// # Errors
/// A value inside that has no binary form, for example an XML body of a type that is not known here.
pub fn encode(structure: &impl BinaryEncodable) -> EncodingResult<Vec<u8>> {
    let context = context();
    let mut body = Vec::with_capacity(structure.byte_len(&context));
    structure.encode(&mut body, &context)?;
    Ok(body)
}

/// The structure that a whole body is; `None` if it is not one.
pub fn decode<T: Structure>(body: &[u8]) -> Option<T> {
    decode_in(body, &context())
}

fn decode_in<T: Structure>(mut body: &[u8], context: &Context<'_>) -> Option<T> {
    let structure = T::decode(&mut body, context).ok()?;
    body.is_empty().then_some(structure)
}

/// The structure in an ExtensionObject, however far it was decoded on its way.
pub fn from_extension_object<T: Structure + Clone + Send + Sync + 'static>(
    object: &ExtensionObject,
) -> Option<T> {
    if let Some(typed) = object.inner_as::<T>() {
        return Some(typed.clone());
    }
    let raw = object.inner_as::<ByteStringBody>()?;
    is_encoding::<T>(raw.encoding_id()).then(|| decode(raw.raw_body().as_ref()))?
}

fn is_encoding<T: Structure>(id: &NodeId) -> bool {
    *id == NodeId::from(T::BINARY) || *id == NodeId::from(T::DATA_TYPE)
}

/// Recognises the structures of this room in what clients send.
#[derive(Debug, Clone, Copy)]
pub struct Loader;

impl TypeLoader for Loader {
    /// Structures in XML stay raw: no client that speaks binary sends them.
    fn load_from_xml(
        &self,
        _: &NodeId,
        _: &mut XmlStreamReader<&mut dyn Read>,
        _: &Context<'_>,
        _: &str,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        None
    }

    fn load_from_binary(
        &self,
        id: &NodeId,
        stream: &mut dyn Read,
        context: &Context<'_>,
        length: Option<usize>,
    ) -> Option<EncodingResult<Box<dyn DynEncodable>>> {
        let decode = decoder(id)?;
        let length = length?;
        let mut body = Vec::new();
        match stream.take(length as u64).read_to_end(&mut body) {
            Ok(read) if read == length => {}
            Ok(_) => return Some(Err(opcua::types::Error::decoding("the body is cut off"))),
            Err(error) => return Some(Err(error.into())),
        }
        Some(Ok(decode(&body, context).unwrap_or_else(|| {
            Box::new(ByteStringBody::new(ByteString::from(body), id.clone()))
        })))
    }
}

type Decoder = fn(&[u8], &Context<'_>) -> Option<Box<dyn DynEncodable>>;

fn decoder(id: &NodeId) -> Option<Decoder> {
    fn boxed<T: Structure + DynEncodable>(
        body: &[u8],
        context: &Context<'_>,
    ) -> Option<Box<dyn DynEncodable>> {
        Some(Box::new(decode_in::<T>(body, context)?))
    }
    fn is<T: Structure + DynEncodable>(id: &NodeId) -> Option<Decoder> {
        is_encoding::<T>(id).then_some(boxed::<T> as Decoder)
    }
    is::<JobOrder>(id)
        .or_else(|| is::<State>(id))
        .or_else(|| is::<JobOrderAndState>(id))
        .or_else(|| is::<JobResponse>(id))
        .or_else(|| is::<Parameter>(id))
        .or_else(|| is::<Property>(id))
        .or_else(|| is::<WorkMaster>(id))
        .or_else(|| is::<Material>(id))
        .or_else(|| is::<Personnel>(id))
        .or_else(|| is::<Equipment>(id))
        .or_else(|| is::<PhysicalAsset>(id))
        .or_else(|| is::<RunInfo>(id))
}

/// Writes raw bytes where XML is asked for: as base64, like any body that is only known in binary.
pub(super) fn write_base64(
    writer: &mut XmlStreamWriter<&mut dyn Write>,
    body: Vec<u8>,
) -> EncodingResult<()> {
    writer.write_text(&ByteString::from(body).as_base64())?;
    Ok(())
}
