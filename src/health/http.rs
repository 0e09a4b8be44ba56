//! One request in HTTP/1.1, over a stream that the caller has opened.
//!
//! Nothing is followed, kept or decoded. Whatever comes back, little of it is held.

use std::error::Error as _;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::config::HttpCheck;
use crate::transport::Stream;

/// As much of a body is read.
const BODY: usize = 1 << 20;
/// As much of a head is.
const HEAD: usize = 64 << 10;
/// How long the words that go with a bad code are waited for.
const EXCUSE: Duration = Duration::from_millis(500);

/// Asks; `marks` are the names of the release, of which `release` wants one in the answer. The error says what is wrong
/// with the answer, in words that may be the service's own.
pub(super) async fn ask(stream: Box<dyn Stream>, check: &HttpCheck, marks: [&str; 2]) -> Result<(), String> {
    let request = Request::get(&check.url.target)
        .header(header::HOST, check.url.authority())
        .header(header::USER_AGENT, concat!("shipit/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(String::new())
        .map_err(|error| format!("{} cannot be asked: {error}", check.url))?;
    let (mut sender, wire) = http1::Builder::new()
        .max_buf_size(HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // The sender lives until the answer is read: without it the library would say that nothing more is sent.
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        judge(response, check, marks).await
    };
    // Its failures come out of the exchange.
    let wire = async {
        let _ = wire.await;
        pending().await
    };
    tokio::select! { verdict = exchange => verdict, never = wire => never }
}

async fn judge(response: Response<Incoming>, check: &HttpCheck, marks: [&str; 2]) -> Result<(), String> {
    let (head, mut body) = response.into_parts();
    if !check.accepts(head.status.as_u16()) {
        let words = timeout(EXCUSE, piece(&mut body)).await;
        let words = words.ok().and_then(Result::ok).flatten().unwrap_or_default();
        let words =
            String::from_utf8_lossy(words.get(..words.len().min(1024)).unwrap_or_default()).into_owned();
        let words = words.trim();
        return Err(format!(
            "it answered {}{}{words}",
            head.status,
            if words.is_empty() { "" } else { ": " }
        ));
    }
    let mut read = Vec::new();
    while read.len() < BODY
        && let Some(piece) = piece(&mut body).await.map_err(|error| broken(&error))?
    {
        read.extend_from_slice(piece.get(..piece.len().min(BODY - read.len())).unwrap_or_default());
    }
    if let Some(wanted) = check.body.as_ref().filter(|wanted| !holds(&read, wanted)) {
        return Err(format!("it answered {}, without \"{wanted}\" in the body", head.status));
    }
    if check.release && !marks.iter().any(|mark| holds(&read, mark) || in_header(&head.headers, mark)) {
        let [release, _] = marks;
        return Err(format!(
            "it answered {}, and names neither the release {release} nor its revision",
            head.status
        ));
    }
    Ok(())
}

/// The next bytes of a body.
async fn piece(body: &mut Incoming) -> hyper::Result<Option<hyper::body::Bytes>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await.transpose()? {
            None => return Ok(None),
            // Trailers are no bytes.
            Some(frame) => match frame.into_data() {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(_) => continue,
            },
        }
    }
}

fn in_header(headers: &HeaderMap, mark: &str) -> bool {
    headers.values().any(|value| holds(value.as_bytes(), mark))
}

/// Nothing holds an empty text: it would say nothing.
fn holds(bytes: &[u8], text: &str) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn broken(error: &hyper::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("no whole answer in HTTP: {error}{cause}")
}
