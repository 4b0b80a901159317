//! A structure that is kept as the bytes that clients get.
//!
//! The lists of a machine hold hundreds of structures that hardly ever change and are read by several clients: as
//! bytes they take a fraction of the memory, and a copy of a list shares them.

use std::io::Write;
use std::sync::Arc;

use opcua::types::xml::{XmlEncodable, XmlStreamWriter, XmlType};
use opcua::types::{
    BinaryEncodable, BuiltInDataEncoding, Context, EncodingResult, ExpandedMessageInfo,
    ExpandedNodeId, ExtensionObject, NodeId, UaNullable,
};

use super::codec;
use super::types::Structure;
use crate::umati::ids::Numeric;

/// A body of which the front may be shared with others: the order of a MES is kept once.
#[derive(Debug, Clone)]
pub struct Encoded {
    data_type: Numeric,
    binary: Numeric,
    front: Option<Arc<[u8]>>,
    back: Arc<[u8]>,
    mark: Mark,
}

/// What a body was made from, so that it is made anew only if that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mark {
    /// Hash of all that is told at once when it changes.
    pub content: u64,
    /// Hash of what changes all the time and is told now and then.
    pub progress: u64,
}

impl Encoded {
    /// The body of `structure`.
    ///
    /// # Errors
    /// See [`codec::encode`].
    pub fn new<T: Structure>(structure: &T, mark: Mark) -> EncodingResult<Self> {
        Self::spliced::<T>(None, structure, mark)
    }

    /// A body of type `T` that begins with bytes that are encoded already.
    ///
    /// # Errors
    /// See [`codec::encode`].
    pub fn spliced<T: Structure>(
        front: Option<Arc<[u8]>>,
        back: &impl BinaryEncodable,
        mark: Mark,
    ) -> EncodingResult<Self> {
        Ok(Self {
            data_type: T::DATA_TYPE,
            binary: T::BINARY,
            front,
            back: codec::encode(back)?.into(),
            mark,
        })
    }

    /// What it was made from.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Bytes on the wire, without the NodeId and the length before them.
    pub fn len(&self) -> usize {
        self.front().len() + self.back.len()
    }

    /// Never, as each structure has fields; here because there is a length.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The structure; `None` if it is of another type.
    pub fn decode<T: Structure>(&self) -> Option<T> {
        (self.data_type == T::DATA_TYPE).then(|| codec::decode(&self.body()))?
    }

    /// The one in an ExtensionObject.
    pub fn of(object: &ExtensionObject) -> Option<&Self> {
        object.inner_as()
    }

    fn front(&self) -> &[u8] {
        self.front.as_deref().unwrap_or_default()
    }

    fn body(&self) -> Vec<u8> {
        [self.front(), &self.back].concat()
    }
}

/// The same bytes of the same type, whatever they were made from.
impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.data_type == other.data_type
            && self.len() == other.len()
            && self
                .front()
                .iter()
                .chain(self.back.iter())
                .eq(other.front().iter().chain(other.back.iter()))
    }
}

impl BinaryEncodable for Encoded {
    fn byte_len(&self, _: &Context<'_>) -> usize {
        self.len()
    }

    fn encode<S: Write + ?Sized>(&self, stream: &mut S, _: &Context<'_>) -> EncodingResult<()> {
        stream.write_all(self.front())?;
        stream.write_all(&self.back)?;
        Ok(())
    }

    fn override_encoding(&self) -> Option<BuiltInDataEncoding> {
        Some(BuiltInDataEncoding::Binary)
    }
}

/// There is only a binary body, so that is the encoding in every form.
impl ExpandedMessageInfo for Encoded {
    fn full_type_id(&self) -> ExpandedNodeId {
        NodeId::from(self.binary).into()
    }

    fn full_json_type_id(&self) -> ExpandedNodeId {
        self.full_type_id()
    }

    fn full_xml_type_id(&self) -> ExpandedNodeId {
        self.full_type_id()
    }

    fn full_data_type_id(&self) -> ExpandedNodeId {
        NodeId::from(self.data_type).into()
    }
}

impl UaNullable for Encoded {}

impl XmlType for Encoded {
    const TAG: &'static str = "ByteString";
}

impl XmlEncodable for Encoded {
    fn encode(
        &self,
        writer: &mut XmlStreamWriter<&mut dyn Write>,
        _: &Context<'_>,
    ) -> EncodingResult<()> {
        codec::write_base64(writer, self.body())
    }
}
