//! A client that writes bytes: OPC UA without encryption, without a library behind it, so that every byte can be wrong.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use opcua::types::{
    ActivateSessionRequest, AnonymousIdentityToken, ApplicationDescription, BinaryDecodable,
    BinaryEncodable, CloseSessionRequest, ContextOwned, CreateSessionRequest, ExtensionObject,
    NodeId, ObjectId, OpenSecureChannelRequest, RequestHeader, ResponseHeader,
    SecurityTokenRequestType, StatusCode,
};

use super::common::PATIENCE;

pub const NONE: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
pub const BASIC256SHA256: &str = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";

/// A chunk: its kind with its last letter, and its content.
pub fn frame(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + body.len()).unwrap();
    [&kind[..], &size.to_le_bytes(), body].concat()
}

/// A header that says more than will come.
pub fn claim(kind: &[u8; 4], size: u32) -> Vec<u8> {
    [&kind[..], &size.to_le_bytes()].concat()
}

pub fn bytes(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_le_bytes(), content].concat()
}

pub fn hello() -> Vec<u8> {
    let mut body = Vec::new();
    for number in [0_u32, 65_535, 65_535, 0, 0] {
        body.extend(number.to_le_bytes());
    }
    body.extend(bytes(b"opc.tcp://127.0.0.1/"));
    frame(b"HELF", &body)
}

/// An OPN whose content is not encrypted, whatever the policy says.
pub fn opening(policy: &str, certificate: &[u8], content: &[u8]) -> Vec<u8> {
    let mut body = 0_u32.to_le_bytes().to_vec();
    body.extend(bytes(policy.as_bytes()));
    match certificate {
        [] => body.extend([0xff; 4]),
        certificate => body.extend(bytes(certificate)),
    }
    // A thumbprint of 20 bytes, if there is a certificate.
    match certificate {
        [] => body.extend([0xff; 4]),
        _ => body.extend(bytes(&[7; 20])),
    }
    body.extend(content);
    frame(b"OPNF", &body)
}

pub fn encoded(value: &impl BinaryEncodable) -> Vec<u8> {
    let context = ContextOwned::default();
    value.encode_to_vec(&context.context())
}

/// The NodeId of a service, in its form of four bytes, and the request.
pub fn request(service: ObjectId, content: &[u8]) -> Vec<u8> {
    let service = u16::try_from(service as u32).unwrap();
    [&[1, 0], &service.to_le_bytes()[..], content].concat()
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A message in one chunk: the kind of the chunk, and its content.
    Chunk([u8; 4], Vec<u8>),
    Error(StatusCode),
    /// The connection is over.
    End,
}

impl Answer {
    /// What follows the sequence header of a MSG: the NodeId of the service, and the response.
    pub fn response(&self) -> &[u8] {
        match self {
            Self::Chunk(kind, content) if kind.starts_with(b"MSG") => &content[16..],
            other => panic!("no response: {other:?}"),
        }
    }

    /// The status that it is refused with: of an ERR, of a ServiceFault, or of a response.
    pub fn refusal(&self) -> Option<StatusCode> {
        match self {
            Self::Error(status) => Some(*status),
            Self::Chunk(..) => {
                // NodeId, then the header: timestamp, handle, result.
                let result = self.response().get(16..20)?.try_into().ok()?;
                Some(StatusCode::from(u32::from_le_bytes(result)))
            }
            Self::End => None,
        }
    }
}

/// A connection. It is closed with the value.
pub struct Raw {
    stream: TcpStream,
    /// SecureChannelId and TokenId.
    pub channel: [u8; 8],
    sequence: u32,
    /// The token of its session.
    pub token: NodeId,
    /// What it has sent.
    pub sent: Vec<Vec<u8>>,
}

impl Raw {
    pub fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            channel: [0; 8],
            sequence: 0,
            token: NodeId::null(),
            sent: Vec::new(),
        }
    }

    /// Greeted, and with a channel.
    pub fn open(address: &str) -> Self {
        let mut raw = Self::connect(address);
        raw.send(&hello());
        assert!(matches!(raw.answer(), Answer::Chunk(kind, _) if kind == *b"ACKF"));
        raw.open_channel(SecurityTokenRequestType::Issue);
        raw
    }

    /// With a session that is activated.
    pub fn log_in(address: &str) -> Self {
        let mut raw = Self::open(address);
        let created = raw.create_session();
        assert_eq!(created.refusal(), Some(StatusCode::Good), "to be created");
        let nobody = AnonymousIdentityToken {
            policy_id: "anonymous".into(),
        };
        let activated = raw.activate(ExtensionObject::from_message(nobody));
        assert_eq!(activated.refusal(), Some(StatusCode::Good));
        raw
    }

    /// Ends a session that was activated, which any channel may do.
    pub fn close_session(&mut self) -> Answer {
        let asked = CloseSessionRequest {
            request_header: self.header(),
            delete_subscriptions: true,
        };
        let service = ObjectId::CloseSessionRequest_Encoding_DefaultBinary;
        self.ask(service, &encoded(&asked))
    }

    pub fn open_channel(&mut self, request_type: SecurityTokenRequestType) {
        let channel = self.opening(request_type);
        self.send(&channel);
        let answer = self.answer();
        let Answer::Chunk(kind, content) = &answer else {
            panic!("no channel: {answer:?}");
        };
        assert_eq!(kind, b"OPNF");
        // After the security header and the sequence header: response header, version, and then the token.
        let at = 4 + 4 + NONE.len() + 8 + 8 + 4 + 24 + 4;
        self.channel.copy_from_slice(&content[at..at + 8]);
    }

    pub fn opening(&mut self, request_type: SecurityTokenRequestType) -> Vec<u8> {
        let asked = OpenSecureChannelRequest {
            request_type,
            security_mode: opcua::types::MessageSecurityMode::None,
            requested_lifetime: 300_000,
            ..OpenSecureChannelRequest::default()
        };
        let service = ObjectId::OpenSecureChannelRequest_Encoding_DefaultBinary;
        let content = [self.sequence_header(), request(service, &encoded(&asked))].concat();
        let mut opening = opening(NONE, &[], &content);
        opening[8..12].copy_from_slice(&self.channel[..4]);
        opening
    }

    fn sequence_header(&mut self) -> Vec<u8> {
        self.sequence += 1;
        let sequence = self.sequence.to_le_bytes();
        [sequence, sequence].concat()
    }

    /// A MSG chunk with this content after its sequence header.
    pub fn chunk(&mut self, part: u8, content: &[u8]) -> Vec<u8> {
        let kind = [b'M', b'S', b'G', part];
        let sequence = self.sequence_header();
        let body = [&self.channel[..], &sequence, content].concat();
        frame(&kind, &body)
    }

    /// Asks, and gives the answer.
    pub fn ask(&mut self, service: ObjectId, content: &[u8]) -> Answer {
        self.put(service, content);
        self.answer()
    }

    /// Asks in as many chunks as it takes. They have one RequestId.
    pub fn ask_in_chunks(&mut self, service: ObjectId, content: &[u8]) -> Answer {
        for chunk in self.chunks(&request(service, content)) {
            self.send(&chunk);
        }
        self.answer()
    }

    /// A request in as many chunks as it takes.
    fn chunks(&mut self, request: &[u8]) -> Vec<Vec<u8>> {
        let parts = request.chunks(60_000);
        let last = parts.len() - 1;
        let id = self.sequence + 1;
        let mut chunks = Vec::new();
        for (n, part) in parts.enumerate() {
            let kind = if n == last { b'F' } else { b'C' };
            let mut chunk = self.chunk(kind, part);
            chunk[20..24].copy_from_slice(&id.to_le_bytes());
            chunks.push(chunk);
        }
        chunks
    }

    /// Asks.
    pub fn put(&mut self, service: ObjectId, content: &[u8]) {
        let chunk = self.chunk(b'F', &request(service, content));
        self.send(&chunk);
    }

    /// The header of the requests of its session.
    pub fn header(&self) -> RequestHeader {
        RequestHeader {
            authentication_token: self.token.clone(),
            ..RequestHeader::default()
        }
    }

    pub fn create_session(&mut self) -> Answer {
        let asked = CreateSessionRequest {
            client_description: ApplicationDescription {
                application_uri: "urn:test:raw".into(),
                ..ApplicationDescription::default()
            },
            endpoint_url: "opc.tcp://127.0.0.1/".into(),
            session_name: "raw".into(),
            requested_session_timeout: 600_000.0,
            ..CreateSessionRequest::default()
        };
        let service = ObjectId::CreateSessionRequest_Encoding_DefaultBinary;
        let answer = self.ask(service, &encoded(&asked));
        if answer.refusal() == Some(StatusCode::Good) {
            // The NodeId of the service, the header, the SessionId, and then the token.
            let context = ContextOwned::default();
            let context = context.context();
            let mut response = &answer.response()[4..];
            ResponseHeader::decode(&mut response, &context).expect("a header");
            NodeId::decode(&mut response, &context).expect("the SessionId");
            self.token = NodeId::decode(&mut response, &context).expect("the token");
        }
        answer
    }

    pub fn activate(&mut self, user_identity_token: ExtensionObject) -> Answer {
        let asked = ActivateSessionRequest {
            request_header: self.header(),
            user_identity_token,
            ..ActivateSessionRequest::default()
        };
        let service = ObjectId::ActivateSessionRequest_Encoding_DefaultBinary;
        self.ask(service, &encoded(&asked))
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.sent.push(bytes.to_vec());
        // Who has been refused cannot write; the answer tells why.
        let _ = self.stream.write_all(bytes);
    }

    /// Asks again and again without taking an answer, at most so often, until nothing more is taken. Gives how many
    /// requests were.
    pub fn send_until_full(&mut self, request: &[u8], at_most: usize) -> usize {
        let patience = Duration::from_secs(3);
        self.stream.set_write_timeout(Some(patience)).unwrap();
        for sent in 0..at_most {
            for chunk in self.chunks(request) {
                if self.stream.write_all(&chunk).is_err() {
                    return sent;
                }
            }
        }
        at_most
    }

    /// The next answer, or its first chunk.
    pub fn answer(&mut self) -> Answer {
        match self.chunk_of_server() {
            Ok(answer) => answer,
            // A reset is an end, too: bytes may have been left unread.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("no answer"),
            Err(_) => Answer::End,
        }
    }

    fn chunk_of_server(&mut self) -> io::Result<Answer> {
        let mut header = [0; 8];
        self.stream.read_exact(&mut header)?;
        let [kind @ .., a, b, c, d] = header;
        let size = u32::from_le_bytes([a, b, c, d]) as usize;
        let mut content = vec![0; size.saturating_sub(8)];
        self.stream.read_exact(&mut content)?;
        Ok(match &kind {
            b"ERRF" => {
                let status = content[..4].try_into().map_or(0, u32::from_le_bytes);
                Answer::Error(StatusCode::from(status))
            }
            _ => Answer::Chunk(kind, content),
        })
    }

    /// Reads to the end; gives the status of the ERR, if there was one.
    pub fn end(&mut self) -> Option<StatusCode> {
        loop {
            match self.answer() {
                Answer::Error(status) => return Some(status),
                Answer::End => return None,
                Answer::Chunk(..) => {}
            }
        }
    }

    /// Nothing more will be sent; the server reads to the end and closes.
    pub fn finish(mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.end();
    }
}

/// Sends these bytes over a connection of their own; gives the status of the ERR that ends it.
pub fn refused(address: &str, bytes: &[u8]) -> Option<StatusCode> {
    let mut raw = Raw::connect(address);
    raw.send(bytes);
    raw.end()
}
