//! Names that stay the same for as long as what they name.

use sha2::{Digest, Sha256};

/// A UUID (RFC 9562 version 8) that is made of a name and nothing else.
pub(super) fn name_based_uuid(name: &str) -> String {
    let digest = Sha256::digest(name);
    let mut bytes: Vec<u8> = digest.iter().take(16).copied().collect();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut uuid = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        uuid.push_str(&format!("{byte:02x}"));
    }
    uuid
}
