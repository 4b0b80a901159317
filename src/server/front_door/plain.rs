//! What a channel without encryption says: which service is asked for, and which sessions are not activated yet.
//!
//! The library keeps a session that was created and never activated until its time is over, up to ten minutes. Here
//! it dies with its connection: the front door closes it, as the client would. So that it can, nothing is passed on
//! meanwhile for which the library would end the connection. Where it does all the same, they are counted (`unfinished`).

use std::collections::HashMap;

use opcua::core::{Message, RequestMessage};
use opcua::types::{
    BinaryDecodable, BinaryEncodable, CloseSessionRequest, ContextOwned, DecodingOptions,
    NamespaceMap, NodeId, ObjectId, RequestHeader, ResponseHeader,
};

use super::frame;
use crate::server::limits;

/// Sessions that a connection may have created and not activated; honest clients have one.
const MAX_UNACTIVATED: usize = 2;

/// Discovery is open to all (OPC 10000-4 §5.5); these are its services.
const DISCOVERY: [ObjectId; 5] = [
    ObjectId::GetEndpointsRequest_Encoding_DefaultBinary,
    ObjectId::FindServersRequest_Encoding_DefaultBinary,
    ObjectId::FindServersOnNetworkRequest_Encoding_DefaultBinary,
    ObjectId::RegisterServerRequest_Encoding_DefaultBinary,
    ObjectId::RegisterServer2Request_Encoding_DefaultBinary,
];

/// The first chunk of a message that is not encrypted: SecureChannelId, TokenId, SequenceNumber, RequestId, and then what
/// is asked or answered.
#[derive(Debug, Clone, Copy)]
struct Clear<'a> {
    request: u32,
    /// The service: the numeric id of its encoding in namespace 0.
    service: u32,
    /// What follows the service.
    body: &'a [u8],
}

impl<'a> Clear<'a> {
    /// Reads what follows the header of a chunk.
    fn parse(chunk: &'a [u8]) -> Option<Self> {
        let (request, rest) = chunk.get(12..)?.split_first_chunk::<4>()?;
        // A NodeId (OPC 10000-6 §5.2.2.9) in one of its numeric forms.
        let (service, body) = match rest {
            [0, id, body @ ..] => (u32::from(*id), body),
            [1, 0, a, b, body @ ..] => (u32::from(u16::from_le_bytes([*a, *b])), body),
            [2, 0, 0, a, b, c, d, body @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), body),
            _ => return None,
        };
        Some(Self {
            request: u32::from_le_bytes(*request),
            service,
            body,
        })
    }

    fn is(&self, service: ObjectId) -> bool {
        self.service == service as u32
    }
}

/// Whether the first chunk of a request asks for a service of discovery. `chunk`: what follows its header.
pub(super) fn is_discovery(chunk: &[u8]) -> bool {
    Clear::parse(chunk).is_some_and(|it| DISCOVERY.iter().any(|service| it.is(*service)))
}

/// Whether the first chunk of a request asks for a session.
pub(super) fn is_create_session(chunk: &[u8]) -> bool {
    let asked = Clear::parse(chunk);
    asked.is_some_and(|it| it.is(ObjectId::CreateSessionRequest_Encoding_DefaultBinary))
}

/// Whether the library answers a request of one chunk, if only with a fault, and does not end the connection.
pub(super) fn is_readable(chunk: &[u8]) -> bool {
    let Some(asked) = Clear::parse(chunk) else {
        return false;
    };
    let Ok(service) = ObjectId::try_from(asked.service) else {
        return false;
    };
    let options = DecodingOptions {
        max_array_length: limits::MAX_ARRAY_LENGTH,
        max_string_length: limits::MAX_STRING_LENGTH,
        max_byte_string_length: limits::MAX_STRING_LENGTH,
        ..DecodingOptions::default()
    };
    let context = ContextOwned::new_default(NamespaceMap::new(), options);
    let mut body = asked.body;
    match RequestMessage::decode_by_object_id(&mut body, service, &context.context()) {
        // They have kinds of their own.
        Ok(RequestMessage::OpenSecureChannel(_) | RequestMessage::CloseSecureChannel(_)) => false,
        Ok(_) => true,
        // Whose request it is can be read.
        Err(error) => error
            .with_request_id(asked.request)
            .full_context()
            .is_some(),
    }
}

/// The sessions of one connection that are not activated.
#[derive(Debug, Default)]
pub(super) struct Unactivated {
    /// The authentication tokens of those that were created.
    created: Vec<NodeId>,
    /// Requests that are not answered yet.
    creating: Vec<u32>,
    activating: HashMap<u32, NodeId>,
}

/// There are too many of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Unactivated {
    /// A chunk of the client passes. `chunk`: what follows its header.
    ///
    /// # Errors
    /// It asks for one session too many.
    pub(super) fn asked(&mut self, chunk: &[u8], is_first: bool) -> Result<(), TooMany> {
        let Some(asked) = Clear::parse(chunk).filter(|_| is_first) else {
            return Ok(());
        };
        if asked.is(ObjectId::CreateSessionRequest_Encoding_DefaultBinary) {
            if self.created.len() + self.creating.len() >= MAX_UNACTIVATED {
                return Err(TooMany);
            }
            self.creating.push(asked.request);
        } else if asked.is(ObjectId::ActivateSessionRequest_Encoding_DefaultBinary) {
            // A client can have as many of these under way as it likes, but each has a token of its own here.
            if let Some(token) = token(asked.body).filter(|token| self.created.contains(token)) {
                self.activating.retain(|_, it| *it != token);
                self.activating.insert(asked.request, token);
            }
        } else if asked.is(ObjectId::CloseSessionRequest_Encoding_DefaultBinary)
            && let Some(closed) = token(asked.body)
        {
            self.created.retain(|it| *it != closed);
        }
        Ok(())
    }

    /// Whether the next answers have to be looked at.
    pub(super) fn is_waiting(&self) -> bool {
        !(self.creating.is_empty() && self.activating.is_empty())
    }

    /// The first chunk of an answer of the library passes.
    pub(super) fn answered(&mut self, chunk: &[u8]) {
        let Some(answer) = Clear::parse(chunk) else {
            return;
        };
        let before = self.creating.len();
        self.creating.retain(|request| *request != answer.request);
        let was_creating = self.creating.len() < before;
        let activated = self.activating.remove(&answer.request);
        let context = ContextOwned::default();
        let context = context.context();
        let mut body = answer.body;
        let Ok(header) = ResponseHeader::decode(&mut body, &context) else {
            return;
        };
        if was_creating && answer.is(ObjectId::CreateSessionResponse_Encoding_DefaultBinary) {
            let _session_id = NodeId::decode(&mut body, &context);
            self.created
                .extend(NodeId::decode(&mut body, &context).ok());
        } else if answer.is(ObjectId::ActivateSessionResponse_Encoding_DefaultBinary)
            && header.service_result.is_good()
            && let Some(activated) = activated
        {
            self.created.retain(|it| *it != activated);
        }
    }

    /// How many there are, or will be once the library has answered.
    pub(super) fn count(&self) -> usize {
        self.created.len() + self.creating.len()
    }

    /// Messages that close those that are left, for the library. `next`: the channel, its token, and the
    /// SequenceNumber that comes next.
    pub(super) fn close(&mut self, next: Option<(u32, u32, u32)>) -> Vec<u8> {
        let Some((channel, token, mut sequence)) = next.filter(|_| !self.created.is_empty()) else {
            return Vec::new();
        };
        let message = |kind, sequence: u32, body: &[u8]| {
            let numbers = [channel, token, sequence, u32::MAX].map(u32::to_le_bytes);
            frame::message(kind, &[numbers.as_flattened(), body].concat())
        };
        // What the client has begun is not to be taken for the beginning of what follows: it is broken off, with an
        // error and no reason. The library does not count this message.
        let mut messages = message(b"MSGA", sequence, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        let context = ContextOwned::default();
        for token in self.created.drain(..) {
            let request = CloseSessionRequest {
                request_header: RequestHeader {
                    authentication_token: token,
                    ..RequestHeader::default()
                },
                delete_subscriptions: true,
            };
            // The NodeId of the service in its form of four bytes.
            let service = ObjectId::CloseSessionRequest_Encoding_DefaultBinary as u16;
            let mut body = vec![1, 0];
            body.extend_from_slice(&service.to_le_bytes());
            body.extend_from_slice(&request.encode_to_vec(&context.context()));
            messages.extend_from_slice(&message(b"MSGF", sequence, &body));
            sequence = sequence.wrapping_add(1);
        }
        messages
    }
}

/// The authentication token, with which the header of every request begins.
fn token(mut body: &[u8]) -> Option<NodeId> {
    let context = ContextOwned::default();
    NodeId::decode(&mut body, &context.context()).ok()
}

#[cfg(test)]
mod tests {
    use opcua::types::{
        ActivateSessionRequest, ActivateSessionResponse, CreateSessionRequest,
        CreateSessionResponse, OpenSecureChannelRequest, StatusCode,
    };
    use proptest::prelude::*;

    use super::*;

    fn chunk(request: u32, service: ObjectId, body: &impl BinaryEncodable) -> Vec<u8> {
        let context = ContextOwned::default();
        let mut chunk = vec![7, 0, 0, 0, 9, 0, 0, 0];
        chunk.extend(request.to_le_bytes());
        chunk.extend(request.to_le_bytes());
        chunk.extend([1, 0]);
        chunk.extend((service as u16).to_le_bytes());
        chunk.extend(body.encode_to_vec(&context.context()));
        chunk
    }

    fn create(request: u32) -> Vec<u8> {
        let service = ObjectId::CreateSessionRequest_Encoding_DefaultBinary;
        chunk(request, service, &CreateSessionRequest::default())
    }

    fn created(request: u32, token: u32) -> Vec<u8> {
        let response = CreateSessionResponse {
            authentication_token: NodeId::new(0, token),
            ..CreateSessionResponse::default()
        };
        let service = ObjectId::CreateSessionResponse_Encoding_DefaultBinary;
        chunk(request, service, &response)
    }

    fn activate(request: u32, token: u32) -> Vec<u8> {
        let asked = ActivateSessionRequest {
            request_header: RequestHeader {
                authentication_token: NodeId::new(0, token),
                ..RequestHeader::default()
            },
            ..ActivateSessionRequest::default()
        };
        let service = ObjectId::ActivateSessionRequest_Encoding_DefaultBinary;
        chunk(request, service, &asked)
    }

    fn activated(request: u32, service_result: StatusCode) -> Vec<u8> {
        let response = ActivateSessionResponse {
            response_header: ResponseHeader {
                service_result,
                ..ResponseHeader::default()
            },
            ..ActivateSessionResponse::default()
        };
        let service = ObjectId::ActivateSessionResponse_Encoding_DefaultBinary;
        chunk(request, service, &response)
    }

    #[test]
    fn what_is_created_and_not_activated_is_closed() {
        let mut sessions = Unactivated::default();
        sessions.asked(&create(1), true).unwrap();
        sessions.answered(&created(1, 71));
        sessions.asked(&activate(2, 71), true).unwrap();
        sessions.answered(&activated(2, StatusCode::BadIdentityTokenRejected));
        assert_eq!(sessions.created, [NodeId::new(0, 71)]);
        let close = sessions.close(Some((7, 9, 3)));
        let broken_off = u32::from_le_bytes(close[4..8].try_into().unwrap()) as usize;
        assert_eq!(close[..4], *b"MSGA");
        let chunk = &close[broken_off + frame::HEADER..];
        assert_eq!(chunk[..8], [7, 0, 0, 0, 9, 0, 0, 0], "the channel");
        assert_eq!(chunk[8..12], 3_u32.to_le_bytes(), "the SequenceNumber");
        let asked = Clear::parse(chunk).unwrap();
        assert!(asked.is(ObjectId::CloseSessionRequest_Encoding_DefaultBinary));
        assert_eq!(token(asked.body), Some(NodeId::new(0, 71)));
    }

    #[test]
    fn what_is_activated_stays() {
        let mut sessions = Unactivated::default();
        sessions.asked(&create(1), true).unwrap();
        assert!(sessions.is_waiting());
        sessions.answered(&created(1, 71));
        sessions.asked(&activate(2, 71), true).unwrap();
        sessions.answered(&activated(2, StatusCode::Good));
        assert!(!sessions.is_waiting());
        assert!(sessions.close(Some((7, 9, 3))).is_empty());
    }

    #[test]
    fn a_connection_has_few_of_them() {
        let mut sessions = Unactivated::default();
        sessions.asked(&create(1), true).unwrap();
        sessions.answered(&created(1, 71));
        sessions.asked(&create(2), true).unwrap();
        assert_eq!(sessions.asked(&create(3), true), Err(TooMany));
    }

    /// With the certificates of all endpoints the answer may be longer than a chunk.
    #[test]
    fn the_beginning_of_an_answer_is_enough() {
        let mut sessions = Unactivated::default();
        sessions.asked(&create(1), true).unwrap();
        let answer = created(1, 71);
        sessions.answered(&answer[..answer.len() - 20]);
        assert_eq!(sessions.created, [NodeId::new(0, 71)]);
    }

    #[test]
    fn what_the_library_cannot_answer_is_not_readable() {
        let whole = create(1);
        assert!(is_readable(&whole));
        // The library reads whose request it is, and tells them that it is not in order.
        assert!(is_readable(&whole[..60]));
        assert!(!is_readable(&whole[..24]));
        let channel = OpenSecureChannelRequest::default();
        let service = ObjectId::OpenSecureChannelRequest_Encoding_DefaultBinary;
        assert!(!is_readable(&chunk(1, service, &channel)));
        let response = ObjectId::CreateSessionResponse_Encoding_DefaultBinary;
        assert!(!is_readable(&chunk(
            1,
            response,
            &CreateSessionResponse::default()
        )));
    }

    #[test]
    fn only_discovery_is_discovery() {
        assert!(!is_discovery(&create(1)));
        let service = ObjectId::GetEndpointsRequest_Encoding_DefaultBinary;
        let request = opcua::types::GetEndpointsRequest::default();
        assert!(is_discovery(&chunk(1, service, &request)));
        assert!(!is_discovery(&[0; 15]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_not(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..6)
        ) {
            let mut sessions = Unactivated::default();
            for chunk in chunks {
                let _ = (is_discovery(&chunk), is_readable(&chunk));
                let _ = sessions.asked(&chunk, true);
                sessions.answered(&chunk);
            }
        }
    }
}
