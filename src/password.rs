//! Passwords of users: Argon2id hashes in PHC string form, made for the operator and checked for the server.
//!
//! Always holds: neither a password nor a hash is printed; a [`struct@Hash`] can be checked with bounded memory and time.

use std::fmt;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Longest password that `hash-password` takes, in bytes.
pub const LONGEST: usize = 1024;

/// Version 1.3 of Argon2 (RFC 9106 §3.1).
const VERSION: u32 = 0x13;
/// Memory that one check may take.
const MOST_MEMORY_KIB: u32 = 1 << 20;
/// Memory times passes: a check takes some seconds at most.
const MOST_WORK_KIB: u64 = 4 << 20;
/// Memory times passes of the cheapest parameters that the OWASP cheat sheet on password storage names (7 MiB, five
/// passes).
const LEAST_WORK_KIB: u64 = 5 * 7168;

/// A hash that a password can be checked against. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(Box<PasswordHash>);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(hidden)")
    }
}

/// Why a text is no hash that can be used. No text of these holds the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("it is not an Argon2id hash in PHC format")]
    Form,
    #[error("its parameters are not those of Argon2id version 19 (RFC 9106)")]
    Parameters,
    #[error("to check it takes more than 1 GiB of memory, or too long")]
    Costs,
}

/// How hard a hash makes it to guess the password of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    Good,
    /// It was made with less work than is recommended.
    Weak,
}

impl Hash {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let hash = PasswordHash::new(text).map_err(|_| Unusable::Form)?;
        if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
            return Err(Unusable::Form);
        }
        let params = Params::try_from(&hash).map_err(|_| Unusable::Parameters)?;
        if hash.version != Some(VERSION) || params.m_cost() < 8 * params.p_cost() {
            return Err(Unusable::Parameters);
        }
        if params.m_cost() > MOST_MEMORY_KIB || work(&params) > MOST_WORK_KIB {
            return Err(Unusable::Costs);
        }
        Ok(Self(Box::new(hash)))
    }

    /// Hashes a password with a new salt, 19 MiB of memory and two passes.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn of(password: &str) -> Result<Self, argon2::password_hash::Error> {
        let hash = Argon2::default().hash_password(password.as_bytes())?;
        Ok(Self(Box::new(hash)))
    }

    /// The PHC string, to be kept in the config file.
    pub fn expose(&self) -> String {
        self.0.to_string()
    }

    /// Whether it was made of this password. Takes as much memory and time as the hash says: not for a thread that
    /// others wait for.
    pub fn is_of(&self, password: &str) -> bool {
        self.output(password)
            .is_some_and(|it| Some(it) == self.0.hash)
    }

    /// What comes out for this password. Two outputs are compared in a time that does not depend on them.
    fn output(&self, password: &str) -> Option<Output> {
        let (salt, wanted) = (self.0.salt.as_ref()?, self.0.hash.as_ref()?);
        let params = Params::try_from(&*self.0).ok()?;
        let mut memory = memory(params.block_count());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut out = vec![0; wanted.as_bytes().len()];
        argon2
            .hash_password_into_with_memory(password.as_bytes(), salt, &mut out, &mut memory)
            .ok()?;
        Output::new(&out).ok()
    }

    /// Whether it was made with as much work as is recommended.
    pub fn strength(&self) -> Strength {
        match Params::try_from(&*self.0) {
            Ok(params) if work(&params) >= LEAST_WORK_KIB => Strength::Good,
            _ => Strength::Weak,
        }
    }
}

/// A larger piece of memory goes back to the system as soon as it is free: the allocator of glibc keeps smaller ones for
/// the thread that asked, once it has seen one of their size. Then each thread that ever checked a password would hold
/// what a check takes. 33 MiB, of which only what is used becomes memory.
const GIVEN_BACK: usize = 33 << 10;

/// What a check works in.
fn memory(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks.max(GIVEN_BACK));
    memory.resize(blocks, Block::new());
    memory
}

fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$\
                        4dnBDcSVN+9tUPPtdMVbg0IR4pYfGCWWHGnEQFQ6Kks";

    #[test]
    fn a_hash_is_of_its_password_alone() {
        let hash = Hash::of("hunter2").unwrap();
        let kept = Hash::parse(&hash.expose()).unwrap();
        assert_eq!(kept, hash);
        assert!(kept.is_of("hunter2"));
        assert!(!kept.is_of("hunter3"));
        assert!(!kept.is_of(""));
        assert_eq!(kept.strength(), Strength::Good);
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(Hash::of("hunter2").unwrap(), hash, "another salt");
    }

    #[test]
    fn a_hash_is_not_printed() {
        let hash = Hash::parse(GOOD).unwrap();
        assert_eq!(format!("{hash:?}"), "Hash(hidden)");
    }

    #[test]
    fn only_whole_argon2id_hashes_of_bounded_cost_are_taken() {
        for (bad, why) in [
            ("", Unusable::Form),
            ("secret", Unusable::Form),
            (
                "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
                Unusable::Form,
            ),
            (&GOOD.replace("argon2id", "argon2i"), Unusable::Form),
            (&GOOD.replace("v=19", "v=16"), Unusable::Parameters),
            (&GOOD.replace("$v=19", ""), Unusable::Parameters),
            (&GOOD.replace("m=19456", "m=4"), Unusable::Parameters),
            (&GOOD.replace("m=19456", "m=4294967295"), Unusable::Costs),
            (&GOOD.replace("t=2", "t=4294967295"), Unusable::Costs),
            (&GOOD.replace("t=2", "t=0"), Unusable::Parameters),
            (&GOOD.replace("p=1", "p=0"), Unusable::Parameters),
            (&GOOD.replace("p=1", "p=4096"), Unusable::Parameters),
            (&GOOD.replace("p=1", "p=4294967295"), Unusable::Parameters),
            (&GOOD.replace("c29tZXNhbHQ", "c2"), Unusable::Form),
            (&GOOD.replace("c29tZXNhbHQ", "c29tZX*hbHQ"), Unusable::Form),
            (&GOOD[..GOOD.len() - 42], Unusable::Form),
            (&GOOD[..GOOD.len() - 44], Unusable::Form),
            (&format!("{GOOD}$"), Unusable::Form),
        ] {
            assert_eq!(Hash::parse(bad), Err(why), "{bad}");
        }
        assert!(Hash::parse(GOOD).is_ok());
    }

    #[test]
    fn little_work_is_weak() {
        let strength = |costs| {
            let text = GOOD.replace("m=19456,t=2", costs);
            Hash::parse(&text).unwrap().strength()
        };
        assert_eq!(strength("m=19456,t=2"), Strength::Good);
        assert_eq!(strength("m=7168,t=5"), Strength::Good);
        assert_eq!(strength("m=4096,t=3"), Strength::Weak);
        assert_eq!(strength("m=8,t=1"), Strength::Weak);
    }
}
