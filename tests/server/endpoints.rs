//! Which doors a server has, and who gets in.

use opcua::client::ClientBuilder;
use opcua::types::{AttributeId, MessageSecurityMode, UserTokenType};
use umati_bridge::server::{Identity, Plant, Served, Server, ServerError, Settings};

use super::bench::*;

const NONE: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
const SECURE: [&str; 3] = [
    "http://opcfoundation.org/UA/SecurityPolicy#Aes128_Sha256_RsaOaep",
    "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss",
    "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256",
];

#[tokio::test(flavor = "multi_thread")]
async fn loopback_offers_none_and_the_three_current_policies() {
    let bench = Bench::start().await;
    let pki = tempfile::tempdir().unwrap();
    let client = ClientBuilder::new()
        .application_name("test")
        .application_uri("urn:test")
        .pki_dir(pki.path())
        .client()
        .unwrap();
    let endpoints = client
        .get_server_endpoints_from_url(bench.url.as_str())
        .await
        .unwrap();
    let mut offered: Vec<(&str, MessageSecurityMode)> = endpoints
        .iter()
        .map(|e| (e.security_policy_uri.as_ref(), e.security_mode))
        .collect();
    offered.sort_by_key(|(policy, _)| *policy);
    let mut expected: Vec<_> = SECURE
        .iter()
        .map(|policy| (*policy, MessageSecurityMode::SignAndEncrypt))
        .collect();
    expected.push((NONE, MessageSecurityMode::None));
    expected.sort_by_key(|(policy, _)| *policy);
    assert_eq!(offered, expected);
    for endpoint in &endpoints {
        assert_eq!(endpoint.endpoint_url.as_ref(), bench.url);
        let tokens = endpoint.user_identity_tokens.as_deref().unwrap();
        assert_eq!(tokens.len(), 1);
        assert_eq!(tokens[0].token_type, UserTokenType::Anonymous);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_secure_policy_lets_a_client_read() {
    let bench = Bench::start().await;
    bench.set(INT32, good(1));
    for policy in SECURE {
        let mode = MessageSecurityMode::SignAndEncrypt;
        let client = Client::connect(&bench.url, policy, mode).await;
        let read = client.read(node(0, INT32), AttributeId::Value).await;
        assert_eq!(read.value, Some(1.into()), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_say_localhost() {
    let bench = Bench::start().await;
    let url = bench.url.replace("127.0.0.1", "localhost");
    let client = Client::connect(&url, "None", MessageSecurityMode::None).await;
    let read = client.read(node(0, ""), AttributeId::BrowseName).await;
    assert!(read.value.is_some());
}

#[tokio::test]
async fn a_network_address_without_users_is_refused_in_words() {
    let state = tempfile::tempdir().unwrap();
    let identity = Identity::load_or_create(&settings(state.path(), 4840)).unwrap();
    let network = Settings {
        listen: "0.0.0.0".parse().unwrap(),
        ..settings(state.path(), 4840)
    };
    let refused = Server::build(
        &network,
        &identity,
        Plant::new(Vec::<Served>::new()),
        types(),
    );
    let Err(error @ ServerError::NobodyCouldLogIn { .. }) = refused else {
        panic!("it was built")
    };
    assert_eq!(
        error.to_string(),
        "nobody could log in: 0.0.0.0 is not a loopback address, and there are no users or certificates to tell \
         friend from foe; set `listen` to 127.0.0.1, or `allow_anonymous` to true to let everyone read"
    );

    let open = Settings {
        allow_anonymous: true,
        public_hostname: Some("gw.factory".to_owned()),
        ..network
    };
    let (server, _) =
        Server::build(&open, &identity, Plant::new(Vec::<Served>::new()), types()).unwrap();
    assert_eq!(
        server.endpoints(),
        [
            "opc.tcp://gw.factory:4840 (Aes128-Sha256-RsaOaep, SignAndEncrypt)",
            "opc.tcp://gw.factory:4840 (Basic256Sha256, SignAndEncrypt)",
            "opc.tcp://gw.factory:4840 (Aes256-Sha256-RsaPss, SignAndEncrypt)",
        ]
    );
}

#[tokio::test]
async fn namespaces_in_another_order_are_refused() {
    let state = tempfile::tempdir().unwrap();
    let settings = settings(state.path(), 4840);
    let identity = Identity::load_or_create(&settings).unwrap();
    let mut types = types();
    types.pop();
    let refused = Server::build(
        &settings,
        &identity,
        Plant::new(Vec::<Served>::new()),
        types,
    );
    let Err(error) = refused else {
        panic!("it was built")
    };
    assert_eq!(
        error.to_string(),
        "namespace urn:umati-bridge:types must have index 12, but has None"
    );
}
