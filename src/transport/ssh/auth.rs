//! Logging in: the methods that the server takes and the configuration allows, in OpenSSH's order, until one lets in.
//!
//! A server may want several (a key and then a password): each right one brings us further. Nothing that failed is tried
//! again. Every refusal says what was offered, what was not, and what the server said last.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use russh::client::{AuthResult, Handle};
use russh::{MethodKind, MethodSet};

use super::agent::Agent;
use super::handler::Client;
use super::identities::Candidate;
use super::login::Login;
use super::method::{Step, patient};
use crate::transport::{self, ConnectError, Refusal};

/// Servers want two methods, or three. One that is never content is left.
const STAGES: usize = 8;

/// Without `PreferredAuthentications`; what is not here needs OpenSSH's client.
const ORDER: [MethodKind; 3] = [MethodKind::PublicKey, MethodKind::KeyboardInteractive, MethodKind::Password];

impl Login<'_> {
    /// Logs in. `last_words`: what the server said if it hung up.
    pub(super) async fn run(
        &self,
        session: &mut Handle<Client>,
        last_words: impl Fn() -> Option<String>,
    ) -> Result<(), ConnectError> {
        let mut refusal = Refusal {
            host: self.route.asked.clone(),
            address: self.address.to_owned(),
            user: self.route.settings.user.clone(),
            can_ask: self.can_ask(),
            ..Refusal::default()
        };
        let order = self.order();
        let mut agent = None;
        let mut keys = VecDeque::new();
        if order.contains(&MethodKind::PublicKey) {
            agent = self.open_agent(session, &mut refusal).await;
            keys = self.candidates(agent.as_ref(), &mut refusal)?.into();
        }
        match self.go_through(session, &order, (agent, keys), &mut refusal).await {
            Step::Welcome => Ok(()),
            Step::Silence => Err(self.too_slow(transport::Step::Authentication, self.limit)),
            Step::AgentSilence => Err(self.too_slow(transport::Step::Signature, self.signature)),
            Step::Partial(_) | Step::No(_) => {
                refusal.last_words = last_words();
                Err(ConnectError::Refused { refusal: Box::new(refusal) })
            }
        }
    }

    async fn go_through(
        &self,
        session: &mut Handle<Client>,
        order: &[MethodKind],
        (mut agent, mut keys): (Option<Agent>, VecDeque<Candidate>),
        refusal: &mut Refusal,
    ) -> Step {
        // With a key at hand the question for the methods would cost a round trip.
        let mut taken = None;
        if keys.is_empty() || order.first() != Some(&MethodKind::PublicKey) {
            match self.none(session).await {
                Step::No(methods) => taken = methods,
                end => return end,
            }
        }
        'stages: for _ in 0..STAGES {
            for method in order {
                if taken.as_ref().is_some_and(|taken: &MethodSet| !taken.contains(method))
                    || session.is_closed()
                {
                    continue;
                }
                let step = match method {
                    MethodKind::PublicKey => {
                        self.offer_keys(session, &mut keys, agent.as_mut(), refusal).await
                    }
                    MethodKind::KeyboardInteractive => self.keyboard(session, refusal).await,
                    _ => self.password(session, refusal).await,
                };
                match step {
                    Step::Partial(methods) => {
                        refusal.methods = methods.iter().map(String::from).collect();
                        taken = Some(methods);
                        continue 'stages;
                    }
                    Step::No(methods) => {
                        taken = methods.or(taken);
                        refusal.methods = taken.iter().flat_map(|set| set.iter()).map(String::from).collect();
                    }
                    end => return end,
                }
            }
            break;
        }
        Step::No(None)
    }

    /// Asks for the methods; a server that wants nothing lets in.
    async fn none(&self, session: &mut Handle<Client>) -> Step {
        let asking = AtomicBool::new(false);
        let asked = session.authenticate_none(&self.route.settings.user);
        match patient(self.limit, &asking, asked).await {
            None => Step::Silence,
            Some(Ok(AuthResult::Success)) => Step::Welcome,
            Some(Ok(AuthResult::Failure { remaining_methods, .. })) => Step::No(Some(remaining_methods)),
            Some(Err(_)) => Step::No(None),
        }
    }

    /// What the configuration allows; without a person only what needs none.
    fn order(&self) -> Vec<MethodKind> {
        let rules = &self.route.settings.login;
        let allowed = |method: &MethodKind| match method {
            MethodKind::PublicKey => rules.public_key,
            MethodKind::KeyboardInteractive => rules.keyboard && self.can_ask(),
            MethodKind::Password => rules.password && self.can_ask(),
            _ => false,
        };
        let wanted: Vec<MethodKind> = match &rules.preferred {
            Some(names) => names.iter().filter_map(|name| name.parse().ok()).collect(),
            None => ORDER.to_vec(),
        };
        wanted.into_iter().filter(allowed).collect()
    }

    /// Whether a person may be asked for this host.
    pub(super) fn can_ask(&self) -> bool {
        self.secrets.can_ask() && !self.route.settings.login.batch
    }

    async fn open_agent(&self, session: &Handle<Client>, refusal: &mut Refusal) -> Option<Agent> {
        let socket = self.agent.as_ref()?;
        match Agent::open(socket, session).await {
            Ok(agent) => Some(agent),
            Err(why) => {
                refusal.skipped.push(format!("the agent at {} ({why})", socket.display()));
                None
            }
        }
    }

    fn too_slow(&self, step: transport::Step, after: Duration) -> ConnectError {
        let (host, address) = (self.route.asked.clone(), self.address.to_owned());
        ConnectError::Timeout { host, address, step, after }
    }
}
