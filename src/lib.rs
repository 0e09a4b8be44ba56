//! shipit: deploys git repositories to fleets of servers over SSH, all or nothing.
//!
//! This is the map of the code. For use, see the README; for why the house looks like this, CONTRIBUTING.
//!
//! # Promises
//!
//! In this order; every choice serves them.
//!
//! 1. **All or nothing.** However a deploy ended, all its hosts serve the same release: all new or all old. Where a network
//!    or a dead machine makes that impossible, the report says which host is where and what to type next.
//! 2. **What you see is what runs.** A plan is data; the dry run prints the very scripts that are sent. What is only known
//!    later (names of run and release, facts of a host) is a variable in them, never spliced text; secrets travel apart.
//! 3. **As fast as the wire.** One handshake per host, one round trip per phase, all hosts at once.
//!
//! # Floors
//!
//! Each uses only those before it, which `tests/pure/house.rs` holds; so any can be read knowing only what is above it here.
//!
//! | floor | holds | must not know |
//! | --- | --- | --- |
//! | [`config`] | shipit.toml: found, read, merged, checked; out come plain structs that hold no bad value | hosts' answers |
//! | [`git`] | the operator's work tree, and refs made commits | SSH |
//! | [`remote`] | what lies on a host and what can be run there: the resident shell, its lines, its journal | connections |
//! | [`plan`] | what will be done, as data; and that data as text, which is the dry run | clocks, connections |
//! | [`transport`] | bytes to and from one program on one host: over SSH, or here | plans |
//! | [`health`] | whether a service on a host is well: asked from there, until it is or time is over | plans |
//! | [`executor`] | carries a plan out on all hosts at once, forward or back; speaks in events | SSH, terminals |
//! | [`error`] | kinds, hints and the exit codes, which are an API | how things are shown |
//! | [`report`] | events and outcomes, as a user sees them | how they came about |
//! | [`cli`] | the command line: what was typed, then what it means | files, hosts |
//! | [`commands`] | one file per command: what was typed goes in, one call, what is shown is chosen | |
//!
//! russh is named only in `transport/ssh/`, git2 only in `git/`, clap in `cli/`, toml in `config/`, hyper in `health/`, indicatif
//! and console in `report/`: to replace one is to edit one folder.
//!
//! # The way of a deploy
//!
//! ```text
//! argv ─▶ cli::Invocation ─▶ config::Environment ─▶ plan::Plan ─┬─▶ plan::show ─▶ stdout                  (--dry-run)
//!                                                               └─▶ executor::run ─▶ Outcome ─▶ report, exit code
//!                                                                      │      │
//!                                                            transport │      └─▶ events ─▶ report, while it goes on
//!                                                                      ▼
//!                                                         one resident shell per host
//! ```
//!
//! Nothing calls back up. No floor under [`commands`] knows of a dry run. [`executor::run`] connects all hosts; each is sent
//! the program, the variables and the lock as soon as it is there. Then a stage of the plan is one script per
//! host, and a barrier: all hosts leave a [`plan::Phase`] before any enters the next. A single host has nobody to wait for,
//! and gets all of it in one.
//!
//! # A run on a host
//!
//! A host runs one `sh` for the whole run, started by [`remote::program::start_command`]; its text
//! ([`remote::program::PROGRAM`], the files in `src/remote/scripts/`) is the same for all hosts and runs. It is three
//! processes in a pipeline, none of them in the background, since what a shell starts with `&` ignores SIGINT for ever:
//!
//! ```text
//! ticker │ reader │ worker        ticker  counts silence and the jobs' time; alone writes to stderr
//!                                 reader  never busy: beats, stop, and the end of input, noticed in the middle of a job
//!                                 worker  runs the scripts it is told, one by one; alone writes to stdout
//! ```
//!
//! All lines of both directions begin with a nonce of the run ([`remote::wire`]), so nothing that a banner, a `.bashrc` or
//! a hook prints is taken for one. The operator beats every two seconds, because a line that went silent ends no input.
//!
//! From state to state, and what the host does *by itself* when the operator is gone (his line ended, or was silent for
//! `timeout.lost`):
//!
//! ```text
//! (nothing)
//!     │  lock       .shipit/lock ─▶ run.NAME, which is complete before the link is made
//!     ▼
//! locked ────────── gone: unlock
//!     │  begin
//!     ▼
//! preparing ─────── gone: end the job, remove the half release, unlock
//!     │  intent     journal entry `open`; the links forward and back are made, while there is space
//!     ▼
//! ready ─────────── gone: drop the entry, remove the release, unlock
//!     │  switch     the link forward becomes `current`: one rename, which is also the mark
//!     ▼
//! live ──────────── gone: roll back (link, post-deploy, reload, verify), entry `back`, remove, unlock
//!     │  healthy    entry `healthy`: said to all, acknowledged by all
//!     ▼
//! confirmed ─────── gone: wait `timeout.lost` for a word from him, then forward to done; back only if he says so
//!     │  finish     entry `done`; prune
//!     ▼
//! done ──unlock──▶ (nothing)
//! ```
//!
//! Whatever ends a run in its operator's place does so by one function from what lies on disk (`recover` in
//! `recover.sh`): the host itself, the next run where the host died too, `unlock`. What goes back on the operator's word
//! (`undo`) is the same rollback. What must work on a full disk is a rename of what was made while there was space. A
//! revert differs in one thing: it never returns to the release it leaves, so once switched it goes on to `done`. A `sync` is a
//! deploy on the hosts that differ; the others hold their locks and do nothing. A `restart` makes no entry: a host that is
//! left alone in it does it to its end.
//!
//! **Files of the operator's** ([`config::App::files`]) wait beside their places in `shared/` and take them, by renames, just
//! before `current` is replaced; what was there waits likewise, and returns with every rollback (`files.sh`).
//!
//! **Lock and token.** The lock is a link, which `ln` makes only where there is none. Whose it is stands in the run's directory,
//! as the name of another directory: `owner.PID.START.BOOT`. Only who it names may act for the run; a process that is gone,
//! or a machine that was started anew, is told by start time and boot id. It is passed on by rename, so of several that
//! would recover a run exactly one does; and a job starts only while the token it was given is still there, so none
//! starts behind the back of who took over. Where a crash took the token, heirs are numbered (`heir` in `lock.sh`). Several hosts are locked all or none; of colliding runs, who has the
//! first host goes on (`executor/lock.rs`). No lock ever needs a person.
//!
//! **Confirming** is two steps, because the last word of any talk may be lost. "All are healthy" turns each host round: before
//! it, a host that is left alone goes back, after it, forward. Hosts are told only when all are healthy, and "done" only when
//! all have acknowledged. So one window is left: an operator who dies within the round trip between sending "healthy"
//! and the last acknowledgement can leave some hosts new and some old. The journals show it, `status` says it, and the
//! next deploy ends it. Without that death nothing is left open: a host whose line ends in the window is called again and
//! asked, and all go the way it went. (A single host has nobody to wait for: it goes from live to done.)
//!
//! **Who dies when**, and where that ends:
//!
//! | who | before going live | live, not confirmed | confirmed |
//! | --- | --- | --- | --- |
//! | the operator, or his whole network | all hosts remove and unlock | all roll back and unlock | all go on to done |
//! | one host's line | the others remove; 1 | it rolls itself back, the others are rolled back; it is called again and asked; 5 | called again; all stay new; 0 |
//! | one host's machine | the others remove; 1 | the others are rolled back; it is named; 6 | the others stay new; it is named; 6, or 0 once all had acknowledged |
//! | the operator and a host | that host's next run removes | that host's next run rolls back first | that host's next run records it as done |
//! | a step (build, reload, …) | all remove; 1 | all are rolled back; 5; a rollback that fails: 6 | told, never undone |
//! | Ctrl-C or SIGTERM | as a step; 130, 143 | as a step; 130, 143 | done |
//!
//! "Remove" is within moments: the end of input is seen at once, silence after `timeout.lost`.

pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
pub mod executor;
pub mod git;
pub mod health;
pub mod plan;
pub mod remote;
pub mod report;
pub mod transport;
