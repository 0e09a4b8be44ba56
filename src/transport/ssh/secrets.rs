//! What a person answers while hosts are connected, asked once for all hosts that need the same: passphrases of keys,
//! passwords, and what servers ask.
//!
//! Must not know a protocol. One question at a time, whatever the number of hosts. An answer serves other hosts only once a
//! server (or the key) has taken it: a slip of the hand must not be sent to fifty hosts.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use russh::keys::PrivateKey;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;

use super::keys::{KeyFile, KeyFiles};
use super::pem::{self, Closed};
use crate::transport::{LoginNote, LoginQuestion, Person};

/// Whoever can be asked, and what was answered.
#[derive(Default)]
pub(super) struct Secrets {
    person: Option<Rc<dyn Person>>,
    turn: Mutex<()>,
    /// Keys for which no passphrase was given, or only wrong ones.
    given_up: RefCell<HashSet<PathBuf>>,
    /// By login and question.
    answers: RefCell<HashMap<(String, String), SecretString>>,
}

impl Secrets {
    /// Asks `person`.
    pub(super) fn of(person: Rc<dyn Person>) -> Self {
        Self { person: Some(person), ..Self::default() }
    }

    /// Whether anybody can be asked.
    pub(super) fn can_ask(&self) -> bool {
        self.person.is_some()
    }

    /// Waits until no other login asks. Hold it until the server has judged the answer.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Says something that needs no answer, if anybody is there.
    pub(super) fn tell(&self, note: &LoginNote) {
        if let Some(person) = &self.person {
            person.tell(note);
        }
    }

    /// The answer to a question; asks in any case. Call it in a turn.
    pub(super) async fn ask(&self, question: &LoginQuestion) -> Option<SecretString> {
        self.person.as_ref()?.ask(question).await
    }

    /// An answer that a server has taken from this login already.
    pub(super) fn answered(&self, user: &str, prompt: &str) -> Option<SecretString> {
        self.answers.borrow().get(&(user.to_owned(), prompt.to_owned())).cloned()
    }

    /// Keeps an answer that a server has taken.
    pub(super) fn keep(&self, user: &str, prompt: &str, answer: SecretString) {
        self.answers.borrow_mut().insert((user.to_owned(), prompt.to_owned()), answer);
    }

    /// The key in an encrypted file, for which its passphrase is asked for up to `tries` times. `Err`: why there is none.
    pub(super) async fn open(
        &self,
        files: &KeyFiles,
        path: &Path,
        tries: u32,
    ) -> Result<Arc<PrivateKey>, String> {
        let _turn = self.turn().await;
        // Another login may have asked meanwhile.
        let text = match files.read(path)? {
            KeyFile::Open(key) => return Ok(key),
            KeyFile::Locked { why, .. } => return Err(why.to_owned()),
            KeyFile::Encrypted { text, .. } => text,
        };
        if self.given_up.borrow().contains(path) {
            return Err("its passphrase was not given".to_owned());
        }
        let mut why = "its passphrase was not given";
        for again in (0..tries.max(1)).map(|attempt| attempt > 0) {
            let question = LoginQuestion::Passphrase { path: path.to_path_buf(), again };
            // An empty one is how ssh is told to try the next key.
            let Some(passphrase) =
                self.ask(&question).await.filter(|given| !given.expose_secret().is_empty())
            else {
                break;
            };
            match opened(&text, passphrase).await {
                Ok(key) => {
                    let key = Arc::new(key);
                    files.opened(path, Arc::clone(&key));
                    return Ok(key);
                }
                Err(Closed::Wrong) => why = "its passphrase was wrong",
                Err(Closed::Unknown(what)) => {
                    let convert = format!("ssh-keygen -p -f {}", path.display());
                    return Err(format!("it has {what}, which is not supported; convert it: {convert}"));
                }
            }
        }
        self.given_up.borrow_mut().insert(path.to_path_buf());
        Err(why.to_owned())
    }
}

/// In a thread of its own: it takes a tenth of a second, in which other hosts go on.
async fn opened(text: &Arc<str>, passphrase: SecretString) -> Result<PrivateKey, Closed> {
    let text = Arc::clone(text);
    let work = spawn_blocking(move || pem::open(&text, passphrase.expose_secret()));
    work.await.unwrap_or(Err(Closed::Wrong))
}
