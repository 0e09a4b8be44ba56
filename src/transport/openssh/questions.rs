//! `ssh`'s questions: it starts this program (`SSH_ASKPASS`), which asks the run by a socket in the run's directory.
//!
//! One question at a time reaches the user, and one that several hosts ask is answered once for all of them, unless the answer
//! was wrong. Answers are kept in memory until the run ends. A question that comes when nobody is asked any more is refused.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// The socket's name in the run's directory.
pub const SOCKET: &str = "ask";
/// Between the fields of a question: the nonce, the process that asks, what kind it is, its text.
pub const BETWEEN: char = '\0';
/// Before an answer; without it, none was given.
pub const ANSWERED: u8 = b'y';

/// Bytes of a question.
const LONGEST: u64 = 16 << 10;
/// For our own program to say what is asked.
const PATIENCE: Duration = Duration::from_secs(10);
/// How a kind of question is written (`SSH_ASKPASS_PROMPT`): nothing is to be answered.
const NOTICE: &str = "none";

/// Something that an `ssh` asks.
#[derive(Debug)]
pub struct Question {
    /// Its words, as they came.
    pub text: String,
    /// How it is answered.
    pub kind: Kind,
    answer: oneshot::Sender<Option<SecretString>>,
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By what must not be seen.
    Secret,
    /// By `yes` or `no`.
    YesNo,
    /// By nothing: the user is to do something, such as touching a key.
    Notice,
}

impl Question {
    /// Answers it; `None`: not at all.
    pub fn answer(self, answer: Option<SecretString>) {
        // Whoever asked may be gone.
        let _ = self.answer.send(answer);
    }
}

/// Listens for the questions of a run. Ends when dropped.
#[derive(Debug)]
pub(super) struct Desk {
    task: AbortHandle,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    /// Opens one in that directory. `open` counts the questions that wait for an answer.
    pub(super) fn open(
        directory: &Path,
        nonce: String,
        open: Arc<AtomicUsize>,
        asked: mpsc::Sender<Question>,
    ) -> std::io::Result<Self> {
        let path = directory.join(SOCKET);
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let clerk = Arc::new(Clerk { nonce, open, asked, answers: Mutex::default() });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let clerk = Arc::clone(&clerk);
                tokio::spawn(async move { clerk.serve(stream).await });
            }
        });
        Ok(Self { task: task.abort_handle() })
    }
}

struct Clerk {
    nonce: String,
    open: Arc<AtomicUsize>,
    asked: mpsc::Sender<Question>,
    /// Locked while the user is asked: the others wait, and find the answer.
    answers: Mutex<Answers>,
}

/// What was answered.
#[derive(Default)]
struct Answers {
    /// By question: how often it was asked, and what was answered last.
    given: HashMap<String, (u32, Option<SecretString>)>,
    /// By question and process: which answer it was given. It asks again only where that was wrong.
    used: HashMap<(String, String), u32>,
}

/// Counts an open question while it is one.
struct Open<'a>(&'a AtomicUsize);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Clerk {
    async fn serve(&self, mut stream: UnixStream) {
        let mut text = Vec::new();
        let reading = (&mut stream).take(LONGEST);
        tokio::pin!(reading);
        if !matches!(timeout(PATIENCE, reading.read_to_end(&mut text)).await, Ok(Ok(_))) {
            return;
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let fields: Vec<&str> = text.splitn(4, BETWEEN).collect();
        let [nonce, process, kind, text] = fields[..] else { return };
        if nonce != self.nonce {
            return;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        let _open = Open(&self.open);
        let answer = self.answer(process, kind, text).await;
        if let Some(answer) = answer {
            let answer = [&[ANSWERED], answer.expose_secret().as_bytes()].concat();
            // It may have been killed while the user thought.
            let _ = stream.write_all(&answer).await;
        }
    }

    async fn answer(&self, process: &str, kind: &str, text: &str) -> Option<SecretString> {
        let kind = match kind {
            NOTICE => Kind::Notice,
            "confirm" => Kind::YesNo,
            _ if text.contains("(yes/no") => Kind::YesNo,
            _ => Kind::Secret,
        };
        if kind == Kind::Notice {
            self.ask(kind, text).await;
            return None;
        }
        let mut answers = self.answers.lock().await;
        let Some(question) = shared(text) else { return self.ask(kind, text).await };
        let used = (question.clone(), process.to_owned());
        let last = answers.used.get(&used).copied().unwrap_or(0);
        let (mut number, mut answer) = answers.given.get(&question).cloned().unwrap_or_default();
        // Refused once is refused for all.
        if number == last && !(number > 0 && answer.is_none()) {
            (number, answer) = (number + 1, self.ask(kind, text).await);
            answers.given.insert(question, (number, answer.clone()));
        }
        answers.used.insert(used, number);
        answer
    }

    async fn ask(&self, kind: Kind, text: &str) -> Option<SecretString> {
        let (answer, answered) = oneshot::channel();
        self.asked.try_send(Question { text: text.to_owned(), kind, answer }).ok()?;
        answered.await.ok().flatten()
    }
}

/// The question that several hosts have in common: without the host's name. None of a code that is good for one login.
fn shared(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if lower.contains("passphrase") || lower.contains("(yes/no") {
        return Some(text.to_owned());
    }
    if !lower.contains("password") || lower.contains("one-time") || lower.contains("otp") {
        return None;
    }
    // `ops@web1's password: ` and `(ops@web1) Password: `
    let (before, rest) = text.split_once('@')?;
    let end = rest.find(['\'', ')'])?;
    Some(format!("{before}{}", rest.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_one_login_are_one_question_and_codes_are_not() {
        assert_eq!(shared("ops@web1's password: "), shared("ops@web2's password: "));
        assert_eq!(shared("(ops@web1) Password: "), shared("(ops@web2) Password: "));
        assert_ne!(shared("ops@web1's password: "), shared("root@web2's password: "));
        assert!(shared("Enter passphrase for key '/home/o/.ssh/id': ").is_some());
        assert_eq!(shared("(ops@web1) Verification code: "), None);
        assert_eq!(shared("(ops@web1) One-time password (OATH): "), None);
    }

    /// A clerk, and one that answers with these words, in turn.
    async fn asked(questions: &[(&str, &str)], answers: &[&str]) -> (Vec<Option<String>>, usize) {
        let (sender, mut receiver) = mpsc::channel(8);
        let clerk =
            Clerk { nonce: "n".into(), open: Arc::default(), asked: sender, answers: Mutex::default() };
        let mut answers = answers.iter();
        let mut count = 0;
        let user = async {
            while let Some(question) = receiver.recv().await {
                let question: Question = question;
                count += 1;
                let answer = answers.next().map(|answer| SecretString::from((*answer).to_owned()));
                question.answer(answer);
            }
        };
        let asking = async move {
            let mut said = Vec::new();
            for (process, text) in questions {
                let answer = clerk.answer(process, "", text).await;
                said.push(answer.map(|answer| answer.expose_secret().to_owned()));
            }
            said
        };
        let (said, ()) = tokio::join!(asking, user);
        (said, count)
    }

    #[tokio::test]
    async fn a_question_is_asked_once_for_all_and_again_where_the_answer_was_wrong() {
        let key = "Enter passphrase for key '/k': ";
        let questions = [("1", key), ("2", key), ("1", key), ("2", key), ("3", key)];
        let (said, count) = asked(&questions, &["wrong", "right"]).await;
        let said: Vec<_> = said.iter().map(|answer| answer.as_deref().unwrap()).collect();
        assert_eq!((said, count), (vec!["wrong", "wrong", "right", "right", "right"], 2));
        let (said, count) = asked(&[("1", key), ("2", key)], &[]).await;
        assert_eq!((said, count), (vec![None, None], 1), "refused once is refused for all");
    }
}
