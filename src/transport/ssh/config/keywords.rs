//! All keywords of ssh_config(5), a row each: what a value looks like, and what becomes of it here.
//!
//! The table is closed. A keyword is honoured by the built-in client, has no effect on a deploy, or asks for something that only
//! OpenSSH's own client can do; `docs/ssh.md` shows the rows, and a test compares the two and both with the manual.

use super::conditions as only;
use super::kind::Kind;
use super::values::Values;

/// What becomes of a keyword.
#[derive(Clone, Copy)]
#[cfg_attr(not(test), allow(dead_code, reason = "the texts are for docs/ssh.md, which a test compares"))]
pub(in crate::transport) enum Handling {
    /// The built-in client does what it says. The text says where that ends; empty where it does not.
    Honoured(&'static str),
    /// A deploy is the same with and without it. The text says why.
    NoEffect(&'static str),
    /// Where the condition holds, only OpenSSH's client will do. The text says where that is, and what becomes of it elsewhere.
    OpenSsh(&'static str, fn(&Values) -> bool),
}

/// One keyword.
pub(in crate::transport) struct Keyword {
    /// As the manual writes it.
    pub(in crate::transport) name: &'static str,
    pub(super) kind: Kind,
    pub(in crate::transport) handling: Handling,
}

impl Keyword {
    /// What `docs/ssh.md` says of it.
    #[cfg(test)]
    pub(in crate::transport) fn words(&self) -> String {
        match self.handling {
            Handling::Honoured("") => "honoured".to_owned(),
            Handling::Honoured(note) => format!("honoured: {note}"),
            Handling::NoEffect(reason) => format!("no effect: {reason}"),
            Handling::OpenSsh(where_, _) => where_.to_owned(),
        }
    }
}

/// The row of a keyword, however it is written; also under the names it had once.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    let alias = ALIASES.iter().find(|(old, _)| name.eq_ignore_ascii_case(old)).map_or(name, |(_, new)| new);
    KEYWORDS.iter().find(|keyword| keyword.name.eq_ignore_ascii_case(alias))
}

/// Names that ssh still reads for keywords with another name. The last two are Debian's.
const ALIASES: &[(&str, &str)] = &[
    ("ChallengeResponseAuthentication", "KbdInteractiveAuthentication"),
    ("SkeyAuthentication", "KbdInteractiveAuthentication"),
    ("TisAuthentication", "KbdInteractiveAuthentication"),
    ("DSAAuthentication", "PubkeyAuthentication"),
    ("IdentityFile2", "IdentityFile"),
    ("KeepAlive", "TCPKeepAlive"),
    ("HostbasedKeyTypes", "HostbasedAcceptedAlgorithms"),
    ("PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"),
    ("SmartcardDevice", "PKCS11Provider"),
    ("ProtocolKeepAlives", "ServerAliveInterval"),
    ("SetupTimeOut", "ServerAliveInterval"),
];

const fn on(name: &'static str, kind: Kind) -> Keyword {
    Keyword { name, kind, handling: Handling::Honoured("") }
}

const fn noted(name: &'static str, kind: Kind, note: &'static str) -> Keyword {
    Keyword { name, kind, handling: Handling::Honoured(note) }
}

const fn off(name: &'static str, kind: Kind, reason: &'static str) -> Keyword {
    Keyword { name, kind, handling: Handling::NoEffect(reason) }
}

const fn needs(
    name: &'static str,
    kind: Kind,
    condition: &'static str,
    holds: fn(&Values) -> bool,
) -> Keyword {
    Keyword { name, kind, handling: Handling::OpenSsh(condition, holds) }
}

const FORWARDING: &str = "shipit opens no forwarding of yours";
const X11: &str = "there is no X11 in a deploy";
const SCREEN: &str = "shipit has a terminal of its own";
const SESSION: &str = "shipit says what runs, and how";
const GSSAPI: &str = "GSSAPIAuthentication decides";
const CANONICAL: &str = "CanonicalizeHostname decides";
const MASTERS: &str = "shipit has one connection per host already";
const LOCAL_COMMAND: &str = "what runs on your machine is in shipit.toml";
const LOG: &str = "shipit has messages of its own";
const NONE_OF_OURS: &str = "honoured; needs `openssh` where it names none that shipit has";
const OLD: &str = "ssh itself ignores it";

const YES_NO_ASK: &[&str] = &["yes", "no", "true", "false", "ask"];
const MASTER: &[&str] = &["yes", "no", "true", "false", "ask", "auto", "autoask"];
const CHECKING: &[&str] = &["yes", "no", "true", "false", "ask", "off", "accept-new"];
const TUNNELS: &[&str] = &["yes", "no", "true", "false", "ethernet", "point-to-point"];
const CANONICALIZE: &[&str] = &["yes", "no", "true", "false", "always"];
const PUBKEY: &[&str] = &["yes", "no", "true", "false", "unbound", "host-bound"];
const LEVELS: &[&str] =
    &["quiet", "silent", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"];

pub(in crate::transport) const KEYWORDS: &[Keyword] = &[
    // Host, Match and Include are read as lines of their own; here they are documented.
    on("Host", Kind::Free),
    needs(
        "Match",
        Kind::Free,
        "honoured; needs `openssh` where its criterion is `command` or `version`",
        only::never,
    ),
    needs(
        "Include",
        Kind::Free,
        "honoured; needs `openssh` where its path holds `${…}` or a token",
        only::never,
    ),
    on("IgnoreUnknown", Kind::Text),
    on("Tag", Kind::Text),
    needs(
        "User",
        Kind::Text,
        "honoured; needs `openssh` where it holds `${…}` or a token",
        only::user_expands,
    ),
    on("Hostname", Kind::Text),
    on("Port", Kind::Port),
    noted("RefuseConnection", Kind::Text, "the host is refused with its text"),
    // which way
    on("AddressFamily", Kind::Word(&["any", "inet", "inet6"])),
    on("BindAddress", Kind::Text),
    on("BindInterface", Kind::Text),
    on("ConnectTimeout", Kind::Time),
    on("ConnectionAttempts", Kind::Number),
    on("Compression", Kind::Flag),
    on("TCPKeepAlive", Kind::Flag),
    noted("ServerAliveInterval", Kind::Time, "0 leaves shipit's own, a fourth of `timeout.lost`"),
    on("ServerAliveCountMax", Kind::Number),
    noted("ProxyCommand", Kind::Command, "ends with the run"),
    noted("ProxyJump", Kind::Jump, "one login per jump host, however many hosts lie behind it"),
    needs("ProxyUseFdpass", Kind::Flag, "needs `openssh` where it is yes", only::fdpass),
    needs(
        "CanonicalizeHostname",
        Kind::Word(CANONICALIZE),
        "needs `openssh` unless it is no",
        only::canonicalizes,
    ),
    off("CanonicalDomains", Kind::Texts, CANONICAL),
    off("CanonicalizeFallbackLocal", Kind::Flag, CANONICAL),
    off("CanonicalizeMaxDots", Kind::Number, CANONICAL),
    needs("CanonicalizePermittedCNAMEs", Kind::Texts, "needs `openssh` unless it is none", only::cnames),
    off("IPQoS", Kind::Texts, "the system's default is used"),
    off("VersionAddendum", Kind::Words, "servers are told shipit's version only"),
    // algorithms
    needs("Ciphers", Kind::Algorithms, NONE_OF_OURS, only::ciphers),
    needs("KexAlgorithms", Kind::Algorithms, NONE_OF_OURS, only::kex),
    needs("MACs", Kind::Algorithms, NONE_OF_OURS, only::macs),
    needs("HostKeyAlgorithms", Kind::Algorithms, NONE_OF_OURS, only::host_keys),
    on("PubkeyAcceptedAlgorithms", Kind::Algorithms),
    on("CASignatureAlgorithms", Kind::Algorithms),
    on("RequiredRSASize", Kind::Number),
    off("HostbasedAcceptedAlgorithms", Kind::Algorithms, "HostbasedAuthentication decides"),
    off(
        "RekeyLimit",
        Kind::Texts,
        "shipit starts no key exchange of its own after the first; the server may",
    ),
    off("WarnWeakCrypto", Kind::Word(&["yes", "no", "true", "false", "no-pq-kex"]), LOG),
    // the host's keys
    on("UserKnownHostsFile", Kind::Files),
    on("GlobalKnownHostsFile", Kind::Files),
    on("HostKeyAlias", Kind::Text),
    on("HashKnownHosts", Kind::Flag),
    noted("StrictHostKeyChecking", Kind::Word(CHECKING), "a key that changed is refused, also with no"),
    needs("CheckHostIP", Kind::Flag, "needs `openssh` where it is yes", only::host_ip),
    needs("KnownHostsCommand", Kind::Command, "needs `openssh` unless it is none", only::known_hosts_command),
    needs("RevokedHostKeys", Kind::Text, "needs `openssh` unless it is none", only::revoked_host_keys),
    needs("VerifyHostKeyDNS", Kind::Word(YES_NO_ASK), "needs `openssh` unless it is no", only::dns),
    needs("NoHostAuthenticationForLocalhost", Kind::Flag, "needs `openssh` where it is yes", only::localhost),
    off("UpdateHostKeys", Kind::Word(YES_NO_ASK), "shipit adds only keys that you were asked about"),
    off("VisualHostKey", Kind::Flag, LOG),
    off("FingerprintHash", Kind::Word(&["md5", "sha256"]), "fingerprints are shown as SHA256"),
    // the login
    on("IdentityFile", Kind::File),
    on("IdentitiesOnly", Kind::Flag),
    on("IdentityAgent", Kind::Text),
    on("CertificateFile", Kind::File),
    on("PreferredAuthentications", Kind::Text),
    on("PubkeyAuthentication", Kind::Word(PUBKEY)),
    on("PasswordAuthentication", Kind::Flag),
    on("KbdInteractiveAuthentication", Kind::Flag),
    on("NumberOfPasswordPrompts", Kind::Number),
    on("BatchMode", Kind::Flag),
    off("KbdInteractiveDevices", Kind::Text, "the server chooses"),
    off(
        "AddKeysToAgent",
        Kind::Texts,
        "a passphrase is asked once per run, and nothing is added to your agent",
    ),
    off("UseKeychain", Kind::Flag, "macOS's keychain is reached through its agent"),
    needs("PKCS11Provider", Kind::Text, "needs `openssh` unless it is none", only::pkcs11),
    needs("SecurityKeyProvider", Kind::Text, "needs `openssh` unless it is internal", only::security_key),
    needs(
        "GSSAPIAuthentication",
        Kind::Flag,
        "needs `openssh` where it is yes and PreferredAuthentications leaves publickey out",
        only::gssapi,
    ),
    off("GSSAPIClientIdentity", Kind::Text, GSSAPI),
    off("GSSAPIDelegateCredentials", Kind::Flag, GSSAPI),
    needs("GSSAPIKeyExchange", Kind::Flag, "needs `openssh` where it is yes", only::gssapi_kex),
    off("GSSAPIKexAlgorithms", Kind::Text, "GSSAPIKeyExchange decides"),
    off("GSSAPIRenewalForcesRekey", Kind::Flag, GSSAPI),
    off("GSSAPIServerIdentity", Kind::Text, GSSAPI),
    off("GSSAPITrustDns", Kind::Flag, GSSAPI),
    needs("HostbasedAuthentication", Kind::Flag, "needs `openssh` where it is yes", only::hostbased),
    off("EnableSSHKeysign", Kind::Flag, "HostbasedAuthentication decides"),
    // what the session has
    on("SendEnv", Kind::SendEnv),
    needs(
        "SetEnv",
        Kind::SetEnv,
        "honoured; needs `openssh` where a value holds `${…}` or a token",
        only::set_env_expands,
    ),
    noted(
        "ForwardAgent",
        Kind::Text,
        "it says which agent; whether one is lent, `forward-agent` in shipit.toml says",
    ),
    off("PermitLocalCommand", Kind::Flag, LOCAL_COMMAND),
    off("LocalCommand", Kind::Command, LOCAL_COMMAND),
    off("ControlMaster", Kind::Word(MASTER), MASTERS),
    off("ControlPath", Kind::Text, MASTERS),
    off("ControlPersist", Kind::Text, MASTERS),
    off("RemoteCommand", Kind::Command, SESSION),
    off("RequestTTY", Kind::Word(&["yes", "no", "true", "false", "auto", "force"]), SESSION),
    off("SessionType", Kind::Word(&["none", "subsystem", "default"]), SESSION),
    off("StdinNull", Kind::Flag, SESSION),
    off("ForkAfterAuthentication", Kind::Flag, SESSION),
    off("ChannelTimeout", Kind::Texts, "`timeout` in shipit.toml says how long a step may take"),
    off("EscapeChar", Kind::Text, SCREEN),
    off("EnableEscapeCommandline", Kind::Flag, SCREEN),
    off("ObscureKeystrokeTiming", Kind::Text, SCREEN),
    off("ClearAllForwardings", Kind::Flag, FORWARDING),
    off("DynamicForward", Kind::Texts, FORWARDING),
    off("LocalForward", Kind::Texts, FORWARDING),
    off("RemoteForward", Kind::Texts, FORWARDING),
    off("PermitRemoteOpen", Kind::Texts, FORWARDING),
    off("ExitOnForwardFailure", Kind::Flag, FORWARDING),
    off("GatewayPorts", Kind::Flag, FORWARDING),
    off("StreamLocalBindMask", Kind::Text, FORWARDING),
    off("StreamLocalBindUnlink", Kind::Flag, FORWARDING),
    off("Tunnel", Kind::Word(TUNNELS), FORWARDING),
    off("TunnelDevice", Kind::Text, FORWARDING),
    off("ForwardX11", Kind::Flag, X11),
    off("ForwardX11Timeout", Kind::Time, X11),
    off("ForwardX11Trusted", Kind::Flag, X11),
    off("XAuthLocation", Kind::Text, X11),
    off("LogLevel", Kind::Word(LEVELS), LOG),
    off("LogVerbose", Kind::Texts, LOG),
    off("SyslogFacility", Kind::Text, LOG),
    // what OpenSSH no longer has
    off("Protocol", Kind::Free, OLD),
    off("Cipher", Kind::Free, OLD),
    off("FallBackToRsh", Kind::Free, OLD),
    off("GlobalKnownHostsFile2", Kind::Free, OLD),
    off("RhostsAuthentication", Kind::Free, OLD),
    off("UserKnownHostsFile2", Kind::Free, OLD),
    off("UseRoaming", Kind::Free, OLD),
    off("UseRsh", Kind::Free, OLD),
    off("UsePrivilegedPort", Kind::Free, OLD),
    off("AFSTokenPassing", Kind::Free, OLD),
    off("KerberosAuthentication", Kind::Free, OLD),
    off("KerberosTgtPassing", Kind::Free, OLD),
    off("RSAAuthentication", Kind::Free, OLD),
    off("RhostsRSAAuthentication", Kind::Free, OLD),
    off("CompressionLevel", Kind::Free, OLD),
];
