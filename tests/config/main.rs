//! The configuration as an operator meets it: files in, machines or messages out.

mod arbitrary;
mod bench;
mod dialects;
mod documents;
mod mistakes_of_access;
mod mistakes_of_files;
mod mistakes_of_keys;
mod mistakes_of_machines;
mod mistakes_of_secrets;
mod mistakes_of_urls;
mod warnings;
