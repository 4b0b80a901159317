//! An array field of a structure.

use std::io::{Read, Write};
use std::ops::{Deref, DerefMut};

use opcua::types::xml::{XmlEncodable, XmlStreamWriter, XmlType};
use opcua::types::{BinaryDecodable, BinaryEncodable, Context, EncodingResult, Error, UaNullable};

/// Room for this many elements is made before the first is seen: the length on the wire is only a claim.
const PLAUSIBLE: usize = 64;

/// The elements of an array field; a null array is an empty one.
///
/// Each list counts as one level of nesting when it is decoded: a parameter holds a list of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(elements)
    }
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T: BinaryEncodable> BinaryEncodable for List<T> {
    fn byte_len(&self, ctx: &Context<'_>) -> usize {
        size_of::<i32>() + self.iter().map(|item| item.byte_len(ctx)).sum::<usize>()
    }

    fn encode<S: Write + ?Sized>(&self, stream: &mut S, ctx: &Context<'_>) -> EncodingResult<()> {
        let length = i32::try_from(self.len()).map_err(Error::encoding)?;
        BinaryEncodable::encode(&length, stream, ctx)?;
        self.iter().try_for_each(|item| item.encode(stream, ctx))
    }
}

impl<T: BinaryDecodable> BinaryDecodable for List<T> {
    fn decode<S: Read + ?Sized>(stream: &mut S, ctx: &Context<'_>) -> EncodingResult<Self> {
        let _level = ctx.options().depth_lock()?;
        let length = <i32 as BinaryDecodable>::decode(stream, ctx)?;
        let length = usize::try_from(length).unwrap_or_default();
        if length > ctx.options().max_array_length {
            return Err(Error::decoding(format!("an array of {length} elements")));
        }
        let mut elements = Vec::with_capacity(length.min(PLAUSIBLE));
        for _ in 0..length {
            elements.push(T::decode(stream, ctx)?);
        }
        Ok(Self(elements))
    }
}

impl<T> UaNullable for List<T> {}

impl<T: XmlType> XmlType for List<T> {
    const TAG: &'static str = T::TAG;
}

impl<T: XmlEncodable> XmlEncodable for List<T> {
    fn encode(
        &self,
        writer: &mut XmlStreamWriter<&mut dyn Write>,
        ctx: &Context<'_>,
    ) -> EncodingResult<()> {
        XmlEncodable::encode(&self.0, writer, ctx)
    }
}
