//! Methods that ask a person: password and keyboard-interactive.
//!
//! What one host has taken is sent to the other hosts that ask the same of the same login, so that fifty hosts cost one
//! answer; a host that does not take it asks for itself. Bounded: a server that asks for ever, or for a new password (which the
//! library never answers), is left.

use std::sync::atomic::AtomicBool;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Response, Prompt};
use russh::{Error, MethodKind, MethodSet};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::MutexGuard;

use super::handler::Client;
use super::login::Login;
use super::method::{Step, patient};
use crate::transport::{LoginQuestion, Refusal};

/// What a server may ask in one go: a password, a code, a new password twice, and remarks.
const ROUNDS: usize = 20;

/// What was answered, and the turn in which it was. A host keeps its turn until it is content: whoever mistyped is
/// asked again for the same host.
#[derive(Default)]
struct Given<'a> {
    turn: Option<MutexGuard<'a, ()>>,
    answers: Vec<(String, SecretString)>,
    /// What this host did not take.
    refused: Vec<(String, SecretString)>,
}

impl Given<'_> {
    fn refuse(&mut self) {
        self.refused.append(&mut self.answers);
    }

    fn was_refused(&self, key: &str, answer: &SecretString) -> bool {
        let is = |(of, refused): &(String, SecretString)| {
            of == key && refused.expose_secret() == answer.expose_secret()
        };
        self.refused.iter().any(is)
    }
}

impl Login<'_> {
    pub(super) async fn password(&self, session: &mut Handle<Client>, refusal: &mut Refusal) -> Step {
        let user = &self.route.settings.user;
        let (mut methods, mut given) = (None, Given::default());
        for attempt in 0..self.route.settings.login.prompts {
            given.refuse();
            let question = LoginQuestion::Password {
                user: user.clone(),
                host: self.route.asked.clone(),
                again: attempt > 0,
            };
            let Some(password) = self.answer("password", &question, &mut given).await else {
                refusal.skipped.push("a password (none was given)".to_owned());
                break;
            };
            let asking = AtomicBool::new(false);
            let sent = session.authenticate_password(user, password.expose_secret());
            match patient(self.limit, &asking, sent).await {
                None => {
                    let why = "the server gave no answer to it: has it expired? see: ssh";
                    refusal.skipped.push(format!("a password ({why} {user}@{})", self.route.asked));
                    return Step::No(None);
                }
                Some(Ok(AuthResult::Success)) => return self.welcome(given),
                Some(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
                    say(refusal, "a password");
                    if partial_success {
                        self.welcome(given);
                        return Step::Partial(remaining_methods);
                    }
                    if ends(session, &remaining_methods, MethodKind::Password) {
                        return Step::No(Some(remaining_methods));
                    }
                    methods = Some(remaining_methods);
                }
                Some(Err(_)) => break,
            }
        }
        Step::No(methods)
    }

    pub(super) async fn keyboard(&self, session: &mut Handle<Client>, refusal: &mut Refusal) -> Step {
        let (mut methods, mut given) = (None, Given::default());
        for _ in 0..self.route.settings.login.prompts {
            given.refuse();
            match self.exchange(session, &mut given).await {
                None => return Step::Silence,
                Some(Ok(Response::Success)) => return self.welcome(given),
                Some(Ok(Response::Failure { remaining_methods, partial_success })) => {
                    say(refusal, "answers (keyboard-interactive)");
                    if partial_success {
                        self.welcome(given);
                        return Step::Partial(remaining_methods);
                    }
                    // A server that asked nothing will not ask more the next time.
                    if given.answers.is_empty()
                        || ends(session, &remaining_methods, MethodKind::KeyboardInteractive)
                    {
                        return Step::No(Some(remaining_methods));
                    }
                    methods = Some(remaining_methods);
                }
                Some(Ok(Response::InfoRequest { .. })) => {
                    refusal.skipped.push("what the server asked (no answer was given)".to_owned());
                    break;
                }
                Some(Err(_)) => break,
            }
        }
        Step::No(methods)
    }

    /// One exchange to its end, or to the question that was not answered.
    async fn exchange<'a>(
        &'a self,
        session: &mut Handle<Client>,
        given: &mut Given<'a>,
    ) -> Option<Result<Response, Error>> {
        let asking = AtomicBool::new(false);
        let start = session.authenticate_keyboard_interactive_start(&self.route.settings.user, None);
        let mut response = patient(self.limit, &asking, start).await?;
        for _ in 0..ROUNDS {
            let Ok(Response::InfoRequest { name, instructions, prompts }) = &response else { break };
            let said = [name.trim(), instructions.trim()].join("\n").trim().to_owned();
            let Some(answers) = self.answers(prompts, &said, given).await else { break };
            let sent = session.authenticate_keyboard_interactive_respond(answers);
            response = patient(self.limit, &asking, sent).await?;
        }
        Some(response)
    }

    async fn answers<'a>(
        &'a self,
        prompts: &[Prompt],
        instructions: &str,
        given: &mut Given<'a>,
    ) -> Option<Vec<String>> {
        let mut answers = Vec::new();
        for Prompt { prompt, echo } in prompts {
            let question = LoginQuestion::Server {
                user: self.route.settings.user.clone(),
                host: self.route.asked.clone(),
                instructions: instructions.to_owned(),
                prompt: prompt.clone(),
                echo: *echo,
            };
            let answer = self.answer(prompt, &question, given).await?;
            answers.push(answer.expose_secret().to_owned());
        }
        Some(answers)
    }

    /// What another host has taken, unless this one did not; else what the person says. `key`: what is equal for all hosts.
    async fn answer<'a>(
        &'a self,
        key: &str,
        question: &LoginQuestion,
        given: &mut Given<'a>,
    ) -> Option<SecretString> {
        let user = &self.route.settings.user;
        let known = |given: &Given<'_>| {
            self.secrets.answered(user, key).filter(|answer| !given.was_refused(key, answer))
        };
        let mut answer = known(given);
        if answer.is_none() {
            if given.turn.is_none() {
                given.turn = Some(self.secrets.turn().await);
                // Another login may have been let in while this one waited for its turn.
                answer = known(given);
            }
            if answer.is_none() {
                answer = self.secrets.ask(question).await;
            }
        }
        let answer = answer?;
        given.answers.push((key.to_owned(), answer.clone()));
        Some(answer)
    }

    fn welcome(&self, given: Given<'_>) -> Step {
        for (key, answer) in given.answers {
            self.secrets.keep(&self.route.settings.user, &key, answer);
        }
        Step::Welcome
    }
}

fn say(refusal: &mut Refusal, what: &str) {
    if refusal.tried.iter().all(|tried| tried != what) {
        refusal.tried.push(what.to_owned());
    }
}

fn ends(session: &Handle<Client>, methods: &MethodSet, method: MethodKind) -> bool {
    session.is_closed() || !methods.contains(&method)
}
