//! What every chunk of a channel without encryption has to carry: the id of the channel, a token that is in use, and
//! the number that comes next (OPC 10000-6 §6.7.2).
//!
//! With encryption the library looks at all three. Without, it looks at no token; and where it finds one of the others
//! wrong, it ends the connection with whatever sessions wait in it, which then nobody can close.

use opcua::crypto::SecurityPolicy;
use opcua::types::{
    BinaryDecodable, ContextOwned, NodeId, ObjectId, OpenSecureChannelResponse, StatusCode,
};

use super::opening::Opening;

/// From here on a client may begin its numbers anew, below [`FIRST_BELOW`] (OPC 10000-6 §6.7.2.4).
const WRAPS_FROM: u32 = u32::MAX - 1024;
const FIRST_BELOW: u32 = 1024;

/// Renewals that a client may have made without using one of them.
const MAX_TOKENS: usize = 10;

/// The channel of a connection, as far as it is known.
#[derive(Debug, Default, Clone)]
pub(super) struct Channel {
    open: Option<Open>,
    /// The last SequenceNumber of the client.
    sequence: Option<u32>,
}

#[derive(Debug, Clone)]
struct Open {
    id: u32,
    /// Those that the client may use, the oldest first: it need not use one that it is given before it has the next,
    /// and when it does, those before are over.
    tokens: Vec<u32>,
}

impl Channel {
    /// An OPN of the client passes; [`SecurityPolicy::None`] is its policy.
    ///
    /// # Errors
    /// The status for the client.
    pub(super) fn asked(&mut self, opening: &Opening<'_>) -> Result<(), StatusCode> {
        let sequence = opening.sequence().ok_or(StatusCode::BadDecodingError)?;
        self.follow(sequence)
    }

    /// The answer of the library to an OPN passes. `body`: what follows its header.
    pub(super) fn opened(&mut self, body: &[u8]) {
        let Some((id, token)) = opened(body) else {
            return;
        };
        match &mut self.open {
            Some(open) if open.id == id => {
                if open.tokens.len() >= MAX_TOKENS {
                    open.tokens.remove(0);
                }
                open.tokens.push(token);
            }
            open => {
                let tokens = vec![token];
                *open = Some(Open { id, tokens });
            }
        }
    }

    /// A chunk of the client passes. `chunk`: what follows its header.
    ///
    /// # Errors
    /// The status for the client.
    pub(super) fn sent(&mut self, chunk: &[u8]) -> Result<(), StatusCode> {
        let [id, token, sequence] = numbers(chunk).ok_or(StatusCode::BadDecodingError)?;
        let open = self.open.as_mut().filter(|open| open.id == id);
        let open = open.ok_or(StatusCode::BadTcpSecureChannelUnknown)?;
        let used = open.tokens.iter().position(|it| *it == token);
        let used = used.ok_or(StatusCode::BadSecureChannelTokenUnknown)?;
        open.tokens.drain(..used);
        self.follow(sequence)
    }

    fn follow(&mut self, sequence: u32) -> Result<(), StatusCode> {
        let follows = match self.sequence {
            None => true,
            Some(WRAPS_FROM..) if sequence < FIRST_BELOW => true,
            Some(last) => last.checked_add(1) == Some(sequence),
        };
        if !follows {
            return Err(StatusCode::BadSequenceNumberInvalid);
        }
        self.sequence = Some(sequence);
        Ok(())
    }

    /// What the next chunk would begin with, for the library: id, token and SequenceNumber. `None` before there is a
    /// channel.
    pub(super) fn next(&self) -> Option<(u32, u32, u32)> {
        let open = self.open.as_ref()?;
        let token = open.tokens.first()?;
        Some((open.id, *token, self.sequence?.wrapping_add(1)))
    }
}

/// The first numbers of a chunk: SecureChannelId, TokenId, SequenceNumber.
fn numbers(chunk: &[u8]) -> Option<[u32; 3]> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *chunk.first_chunk::<12>()?;
    let number = u32::from_le_bytes;
    Some([
        number([a, b, c, d]),
        number([e, f, g, h]),
        number([i, j, k, l]),
    ])
}

/// The id and the token of the channel that an answer to OPN opens or renews.
fn opened(body: &[u8]) -> Option<(u32, u32)> {
    let opening = Opening::parse(body).ok()?;
    if opening.policy != SecurityPolicy::None {
        return None;
    }
    let mut answer = opening.message()?;
    let context = ContextOwned::default();
    let context = context.context();
    let service = NodeId::decode(&mut answer, &context).ok()?;
    let expected = ObjectId::OpenSecureChannelResponse_Encoding_DefaultBinary;
    if service.as_object_id().ok()? != expected {
        return None;
    }
    let answer = OpenSecureChannelResponse::decode(&mut answer, &context).ok()?;
    let token = answer.security_token;
    Some((token.channel_id, token.token_id))
}

#[cfg(test)]
mod tests {
    use opcua::types::{BinaryEncodable, ChannelSecurityToken};
    use proptest::prelude::*;

    use super::*;

    /// An OPN without security: the part before its message, and the message.
    fn opn(sequence: u32, message: &[u8]) -> Vec<u8> {
        let policy = SecurityPolicy::None.to_uri();
        let mut body = 7_u32.to_le_bytes().to_vec();
        body.extend((policy.len() as u32).to_le_bytes());
        body.extend(policy.as_bytes());
        body.extend([0xff; 8]);
        body.extend(sequence.to_le_bytes());
        body.extend(sequence.to_le_bytes());
        body.extend(message);
        body
    }

    fn asks(channel: &mut Channel, sequence: u32) -> Result<(), StatusCode> {
        channel.asked(&Opening::parse(&opn(sequence, &[])).unwrap())
    }

    fn answers(channel: &mut Channel, channel_id: u32, token_id: u32) {
        let response = OpenSecureChannelResponse {
            security_token: ChannelSecurityToken {
                channel_id,
                token_id,
                ..ChannelSecurityToken::default()
            },
            ..OpenSecureChannelResponse::default()
        };
        let context = ContextOwned::default();
        let service = ObjectId::OpenSecureChannelResponse_Encoding_DefaultBinary as u16;
        let mut message = vec![1, 0];
        message.extend(service.to_le_bytes());
        message.extend(response.encode_to_vec(&context.context()));
        channel.opened(&opn(99, &message));
    }

    fn sends(channel: &mut Channel, numbers: [u32; 3]) -> Result<(), StatusCode> {
        channel.sent(&numbers.map(u32::to_le_bytes).concat())
    }

    fn open() -> Channel {
        let mut channel = Channel::default();
        asks(&mut channel, 1).unwrap();
        answers(&mut channel, 7, 9);
        channel
    }

    #[test]
    fn each_chunk_carries_what_it_has_to() {
        let mut channel = open();
        assert_eq!(sends(&mut channel, [7, 9, 2]), Ok(()));
        assert_eq!(channel.next(), Some((7, 9, 3)));
        for (wrong, status) in [
            ([8, 9, 3], StatusCode::BadTcpSecureChannelUnknown),
            ([7, 8, 3], StatusCode::BadSecureChannelTokenUnknown),
            ([7, 9, 2], StatusCode::BadSequenceNumberInvalid),
            ([7, 9, 4], StatusCode::BadSequenceNumberInvalid),
        ] {
            assert_eq!(sends(&mut channel, wrong), Err(status), "{wrong:?}");
        }
        assert_eq!(channel.sent(&[0; 11]), Err(StatusCode::BadDecodingError));
        assert_eq!(sends(&mut channel, [7, 9, 3]), Ok(()));
    }

    #[test]
    fn before_there_is_a_channel_nothing_is_its() {
        let mut channel = Channel::default();
        let unknown = Err(StatusCode::BadTcpSecureChannelUnknown);
        assert_eq!(sends(&mut channel, [0, 0, 1]), unknown);
        assert_eq!(channel.next(), None);
    }

    #[test]
    fn the_old_token_is_over_when_the_new_one_is_used() {
        let mut channel = open();
        asks(&mut channel, 2).unwrap();
        answers(&mut channel, 7, 10);
        assert_eq!(sends(&mut channel, [7, 9, 3]), Ok(()));
        assert_eq!(sends(&mut channel, [7, 10, 4]), Ok(()));
        let over = Err(StatusCode::BadSecureChannelTokenUnknown);
        assert_eq!(sends(&mut channel, [7, 9, 5]), over);
    }

    #[test]
    fn a_token_need_not_be_used_before_the_next() {
        let mut channel = open();
        for (sequence, token) in [(2, 10), (3, 11)] {
            asks(&mut channel, sequence).unwrap();
            answers(&mut channel, 7, token);
        }
        for (sequence, token) in [(4, 9), (5, 10), (6, 11)] {
            assert_eq!(sends(&mut channel, [7, token, sequence]), Ok(()));
        }
        let over = Err(StatusCode::BadSecureChannelTokenUnknown);
        assert_eq!(sends(&mut channel, [7, 10, 7]), over);
        for sequence in 7..1_000 {
            asks(&mut channel, sequence).unwrap();
            answers(&mut channel, 7, sequence + 5);
        }
        assert!(channel.open.unwrap().tokens.len() <= MAX_TOKENS);
    }

    #[test]
    fn numbers_begin_anew_at_their_end_only() {
        let mut channel = Channel::default();
        asks(&mut channel, u32::MAX - 1).unwrap();
        answers(&mut channel, 7, 9);
        assert_eq!(sends(&mut channel, [7, 9, u32::MAX]), Ok(()));
        assert_eq!(sends(&mut channel, [7, 9, 1_023]), Ok(()));
        let wrong = Err(StatusCode::BadSequenceNumberInvalid);
        assert_eq!(sends(&mut channel, [7, 9, 1]), wrong);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut channel = open();
            channel.opened(&opn(1, &body));
            channel.opened(&body);
            let _ = channel.sent(&body);
        }
    }
}
