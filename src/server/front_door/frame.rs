//! The header of every chunk (OPC 10000-6 §7.1.2): what it is, whether more follow, and how large it is.

use opcua::types::StatusCode;

/// Bytes of a header.
pub(super) const HEADER: usize = 8;
/// HEL and OPN come before anything is known of the client: their size is what the standard needs, and no more. A
/// HEL holds an address of at most 4096 bytes; an OPN a chain of certificates.
const MAX_HELLO: usize = 8 * 1024;
pub(super) const MAX_OPENING: usize = 64 * 1024;

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hello,
    Acknowledge,
    Error,
    Opening,
    Message,
    Closing,
}

/// Which part of its message a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// More follow.
    Some,
    Last,
    /// The message is broken off: it was never sent.
    Abort,
}

/// A header that is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub kind: Kind,
    pub part: Part,
    /// Bytes, the header included.
    pub size: usize,
}

impl Frame {
    /// Reads a header. `largest`: the receive buffer that was negotiated.
    ///
    /// # Errors
    /// The status for the client.
    pub(super) fn parse(header: [u8; HEADER], largest: usize) -> Result<Self, StatusCode> {
        let [a, b, c, chunk, size @ ..] = header;
        let kind = match &[a, b, c] {
            b"HEL" => Kind::Hello,
            b"ACK" => Kind::Acknowledge,
            b"ERR" => Kind::Error,
            b"OPN" => Kind::Opening,
            b"MSG" => Kind::Message,
            b"CLO" => Kind::Closing,
            _ => return Err(StatusCode::BadTcpMessageTypeInvalid),
        };
        let part = match (chunk, kind) {
            (b'F', _) => Part::Last,
            (b'A', Kind::Message) => Part::Abort,
            (b'C', Kind::Message) => Part::Some,
            _ => return Err(StatusCode::BadTcpMessageTypeInvalid),
        };
        let limit = match kind {
            Kind::Hello | Kind::Acknowledge | Kind::Error => MAX_HELLO,
            Kind::Opening => MAX_OPENING,
            Kind::Message | Kind::Closing => largest,
        };
        match usize::try_from(u32::from_le_bytes(size)) {
            Ok(size) if (HEADER..=limit).contains(&size) => Ok(Self { kind, part, size }),
            _ => Err(StatusCode::BadTcpMessageTooLarge),
        }
    }
}

/// A chunk of our own: its kind, which part it is, and what follows the header.
pub(super) fn message(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = HEADER + body.len();
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(kind);
    // What is written here is small.
    message.extend_from_slice(&(length as u32).to_le_bytes());
    message.extend_from_slice(body);
    message
}

/// An ERR message (OPC 10000-6 §7.1.2.5).
pub(super) fn error(status: StatusCode) -> Vec<u8> {
    let reason = status.to_string();
    let length = (reason.len() as u32).to_le_bytes();
    let body = [&status.bits().to_le_bytes()[..], &length, reason.as_bytes()].concat();
    message(b"ERRF", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: &[u8; 4], size: u32) -> [u8; HEADER] {
        let [a, b, c, d] = *kind;
        let [e, f, g, h] = size.to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }

    #[test]
    fn sizes_are_bounded_by_what_is_known_of_the_client() {
        let parse = |kind, size| Frame::parse(header(kind, size), 65_536).map(|frame| frame.size);
        assert_eq!(parse(b"HELF", 100), Ok(100));
        assert_eq!(
            parse(b"HELF", 2_000_000_000),
            Err(StatusCode::BadTcpMessageTooLarge)
        );
        assert_eq!(
            parse(b"OPNF", 70_000),
            Err(StatusCode::BadTcpMessageTooLarge)
        );
        assert_eq!(parse(b"MSGC", 65_536), Ok(65_536));
        assert_eq!(
            parse(b"MSGC", 65_537),
            Err(StatusCode::BadTcpMessageTooLarge)
        );
        assert_eq!(parse(b"MSGF", 7), Err(StatusCode::BadTcpMessageTooLarge));
    }

    #[test]
    fn only_messages_come_in_chunks() {
        let parse = |kind| Frame::parse(header(kind, 100), 65_536).map(|frame| frame.part);
        assert_eq!(parse(b"MSGC"), Ok(Part::Some));
        assert_eq!(parse(b"MSGF"), Ok(Part::Last));
        assert_eq!(parse(b"MSGA"), Ok(Part::Abort));
        for kind in [b"OPNC", b"HELC", b"MSGX", b"GET ", b"RHEF"] {
            assert_eq!(parse(kind), Err(StatusCode::BadTcpMessageTypeInvalid));
        }
    }

    #[test]
    fn an_error_says_its_own_size() {
        let message = error(StatusCode::BadSecurityPolicyRejected);
        let frame = Frame::parse(message[..HEADER].try_into().unwrap(), 0).unwrap();
        assert_eq!((frame.kind, frame.size), (Kind::Error, message.len()));
    }
}
