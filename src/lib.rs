//! shipit: deploys git repositories to fleets of servers over SSH, all or nothing.
//!
//! This is the map of the code. To use shipit, read the README and `docs/`; to change it, read CONTRIBUTING too.
//!
//! # Promises
//!
//! Every choice in the code serves these, in this order.
//!
//! 1. **All or nothing.** However a deploy ends, all its hosts serve the same release: all the new one or all the old one. Where
//!    a network or a dead machine makes that impossible, the report says which host serves what, and what to type next.
//! 2. **What you see is what runs.** A plan is data; the dry run prints (`--scripts`) the very scripts that are sent, those of a
//!    rollback too. What is only known later (names of run and release, facts of a host) is a variable in them, never spliced
//!    text. Secrets travel apart from scripts.
//! 3. **As fast as the network.** One handshake per host, one round trip per phase, all hosts at once.
//!
//! # Floors
//!
//! The crate is built in floors. Each uses only the floors above it in this table, and `tests/pure/house.rs` checks that; so to
//! read one you need to know only what stands above it. Within a floor, no files import one another in a circle.
//!
//! | floor | holds | must not know |
//! | --- | --- | --- |
//! | [`config`] | `shipit.toml`: finds, reads, merges and checks it, and makes plain structs that hold no bad value | what hosts answer |
//! | [`git`] | the operator's work tree; refs become commits | SSH |
//! | [`remote`] | what a host holds and what can be run there: the resident shell's program, its messages, facts, reasons, journal | connections |
//! | [`plan`] | what will be done, as data; that data as text is the dry run | clocks, connections |
//! | [`transport`] | bytes to and from one program on one host, over SSH or on this machine | plans |
//! | [`health`] | checks whether a service on a host is healthy, through a connection that it is given | plans |
//! | [`executor`] | carries a plan out on all hosts at once, forward or back; reports events | SSH, terminals |
//! | [`error`] | kinds of errors, hints, and the exit codes, which are an API | how things are shown |
//! | [`report`] | shows events, outcomes and answers to users | how they were made |
//! | [`cli`] | the command line: what was typed, then what it means | files, hosts |
//! | [`commands`] | one file per command: takes what was typed, makes one call, chooses what is shown | |
//!
//! Large dependencies have one door each: russh is named only in `transport/ssh/`, clap in `cli/`, toml in
//! `config/`, hyper in `health/`, indicatif and console in `report/`. To replace one of them is to edit one folder.
//!
//! # The path of a deploy
//!
//! ```text
//! argv ─▶ cli::Invocation ─▶ config::Environment ─▶ plan::Plan ─┬─▶ executor::look ─▶ decide ─▶ report     (dry run)
//!                                                               └─▶ executor::run ──▶ decide ─▶ Outcome ─▶ report, exit code
//!                                                                        │     │
//!                                                              transport │     └─▶ events ─▶ report, during the run
//!                                                                        ▼
//!                                                           one resident shell per host
//! ```
//!
//! Nothing calls back up. No floor below [`commands`] knows of a dry run. [`executor::run`] connects all hosts; as soon as a host
//! is connected it is sent the variables and the lock, and the program if it does not keep it. After that, a stage of the plan is
//! one script per host with a barrier behind it: all hosts leave a [`plan::Phase`] before any host enters the next. A single host
//! has no other host to wait for, and gets all of it in one script.
//!
//! # The plan
//!
//! A [`plan::Plan`] holds everything that a run may do, before it begins:
//!
//! - **stages**: the scripts of each host, local hooks, health checks and pauses, in their order;
//! - **[`plan::Policy`]**: what differs between deploy, revert, sync, restart and prune besides their stages. A failed host rolls all
//!   hosts back, lets the others continue, or lets no other host begin; unreachable hosts fail the run or are skipped; the run
//!   respects a hold or not. So the executor never asks which command it carries out;
//! - **[`plan::Recovery`]**: the scripts of a rollback, its order of hosts, and what is sent to a host whose connection was lost.
//!
//! The executor makes no scripts of its own. [`plan::show`] prints all of them (`plan --scripts`), and a test compares them byte for
//! byte with what hosts receive. `plan` without `--scripts` is a screen for people, made from the same plan in [`report`].
//!
//! # The executor
//!
//! [`executor`] has three layers; each uses only those before it.
//!
//! 1. **State** holds what is known about hosts and decides nothing. What became of a host is one enum (untouched, switched, rolled
//!    back, in doubt, …), so that no host is two of these at once.
//! 2. **Decisions** ([`executor::decide`]) are pure: [`decide::decide`](executor::decide::decide) takes what hosts said (a
//!    [`Situation`](executor::decide::Situation)) and what is wanted (an [`Intent`](executor::decide::Intent)), and returns a
//!    [`Decision`](executor::decide::Decision): what each app will serve, what each host does, and what the user should know; or a
//!    [`Refusal`](executor::decide::Refusal). `plan`, every dry run and every run call this function, so that they cannot differ. A
//!    table of host states is its test. What follows a failure (whether a host is back, how the run ended) is decided here, too.
//! 3. **The conductor** (`executor/run.rs`) goes through the stages, applies the decision, and after a failure does what the plan
//!    says. No file imports it.
//!
//! # What a host says
//!
//! Hosts answer in words and fields, never in prose. Each list of words is one table in Rust, and a test compares it with the shell
//! scripts:
//!
//! - [`remote::facts`]: what a host holds (its live release, the lock holder, a hold, …), as typed fields. A value in a form that is
//!   not ours counts as not said, because the facts of one host decide what other hosts do.
//! - [`remote::reason`]: why a script failed, with the message and the hint for each reason. The messages are made on the operator's
//!   machine. Where a tool of the host said why it failed, its own words are shown too.
//! - [`remote::step`]: the names of steps.
//! - [`remote::supervisor_warning`], [`remote::process`]: what adapters of supervisors say.
//! - [`remote::version`]: what a release was made of. Whatever compares, shows or stores what is live uses this type.
//!
//! # A run on a host
//!
//! A host runs one `sh` for the whole run, started by [`remote::program::start_command`]. Its program
//! ([`remote::program::PROGRAM`], the files in `src/remote/scripts/`) is the same for all hosts and runs, and a host keeps it by its
//! digest (`cache.sh`): the start command looks for it, runs it if the digest is right, and otherwise asks for it. It is three
//! processes in a pipeline. None of them is in the background, because what a shell starts with `&` ignores SIGINT for ever:
//!
//! ```text
//! ticker │ reader │ worker        ticker  counts silence and the time of jobs; only it writes to stderr
//!                                 reader  is never busy: sees beats, stop, and the end of input in the middle of a job
//!                                 worker  runs the scripts that it is sent, one by one; only it writes to stdout
//! ```
//!
//! In both directions every message begins with a nonce of the run ([`remote::wire`]), so that nothing that a banner, a `.bashrc` or
//! a hook prints is taken for a message. The operator's shipit sends a beat every two seconds, because a connection that goes
//! silent does not end the input.
//!
//! The states of a run, and what the host does *by itself* in each when the operator is gone (the connection ended, or was silent for
//! `timeout.lost`):
//!
//! ```text
//! (nothing)
//!     │  lock       .shipit/lock ─▶ run.NAME, a directory that is complete before the link is made
//!     ▼
//! locked ────────── operator gone: release the lock
//!     │  begin
//!     ▼
//! preparing ─────── operator gone: end the job, remove the unfinished release, release the lock
//!     │  intent     journal entry `open`; the links forward and back are made while there is disk space
//!     ▼
//! ready ─────────── operator gone: drop the entry, remove the release, release the lock
//!     │  switch     the link forward becomes `current`: one rename, which is also the mark that it happened
//!     ▼
//! live ──────────── operator gone: roll back (link, post-deploy, reload, verify), entry `back`, remove, release the lock
//!     │  healthy    entry `healthy`: sent to all hosts, acknowledged by all hosts
//!     ▼
//! confirmed ─────── operator gone: wait `timeout.lost` for it to come back, then go forward to done; back only if it says so
//!     │  finish     entry `done`; prune
//!     ▼
//! done ──unlock──▶ (nothing)
//! ```
//!
//! One function (`recover` in `recover.sh`) ends a run without its operator, from what lies on disk: it is called by the host itself, by
//! the next run where the host died too, and by `unlock`. A rollback that the operator sends (`undo`) does the same. What must
//! work on a full disk is a rename of something that was made while there was space.
//!
//! **Whole releases** (`whole.sh`). The intent is preceded by a mark: the git index of the release, without the paths that its build
//! removed. To look at a release is one `git diff-files` with that index, which is an lstat(2) for each path. A removal begins with a
//! rename within `releases/`, so that it is atomic whatever disk that is on.
//!
//! Other runs differ in few things. A revert never returns to the release that it leaves: once switched, it goes forward to `done`. A
//! `sync` is a deploy on the hosts that differ; the other hosts hold their locks and do nothing. A `restart` makes no journal entry:
//! a host whose operator is gone finishes it.
//!
//! **Supervisors** (`adapter.sh`). What drives pm2, systemd and the others on a host is an *adapter*
//! ([`remote::adapters`]): a program of our own, one for each kind, which is sent only to hosts that use it. It is called with a step
//! (`detect`, `reload`, `verify`, `stop`, `status`, `save`, `logs`), changes only what `reload` and `stop` change, and answers with words and
//! fields in a file. With a release lie its parameters, and what its own files said (pm2's ecosystem file is evaluated once, in the
//! release); not the adapter, so that today's rolls old releases back. Adapters run in an environment of their own: an app must not
//! keep what the session has. A reload is a mark in the run's directory: whoever ends the run waits for it, within its limit, before
//! anything goes back.
//!
//! **Files that the operator sends** ([`config::App::files`]) wait beside their places in `shared/` and are renamed into them just
//! before `current` is replaced. The old content is kept in the same way, and returns with every rollback (`files.sh`).
//!
//! **Lock and token.** The lock is a link, because `ln` makes a link only where there is none. The owner of a run is the name of a
//! directory in the run's directory: `owner.PID.START.PLACE`. Only this process may act for the run; start time, boot id, pid
//! namespace and machine tell whether it still exists. An owner on another machine or in another container, which shares the
//! directory, is dead when its heartbeat (`beat`, below the token) stands still for `timeout.lost`. The token is passed on by rename, so of several runs that would recover a dead one exactly one does.
//! A job starts only while the token that it was given is still there, so no job starts after another run took over. Where a
//! crash lost the token, successors are numbered (`heir` in `lock.sh`). All hosts are locked, or none; of colliding runs, the one
//! that holds the first host continues (`executor/lock.rs`). No lock ever needs a person.
//!
//! **One directory, one owner** (`path.sh`). A run whose directory exists under another token reaches one directory under two
//! names, and is refused; so are deploy paths that lie in one another, the directory of another login, that of an unrelated
//! repository, and a layout that a newer shipit made (`.shipit/format`).
//!
//! **Confirming** takes two steps, because the last message of any conversation may be lost. "All are healthy" changes what a host
//! does when its operator is gone: before it, the host goes back; after it, forward. It is sent only when all hosts are healthy, and
//! "done" only when all hosts have acknowledged it. So one window is left: an operator that dies between sending "healthy" and the
//! last acknowledgement, which is one round trip, can leave some hosts new and some old. The journals show it, `status` says it,
//! and the next deploy ends it. If the operator lives, nothing stays open: a host whose connection was lost in this window is
//! connected again and asked, and all hosts go the way that it went. (A single host goes from live to done: there is no
//! other host to wait for.)
//!
//! **What can fail, and how it ends** (numbers are exit codes):
//!
//! | what fails | before any host is live | live, not confirmed | confirmed |
//! | --- | --- | --- | --- |
//! | the operator's machine or its network | all hosts remove the release and unlock | all hosts roll back and unlock | all hosts go on to done |
//! | the connection of one host | the others remove the release; 1 | it rolls itself back, the others are rolled back; it is connected again and asked; 5 | it is connected again; all stay new; 0 |
//! | the machine of one host | the others remove the release; 1 | the others are rolled back; it is named; 6 | the others stay new; it is named; 6, or 0 once all had acknowledged |
//! | the operator's machine and a host | the next run on that host removes the release | the next run on that host rolls back first | the next run on that host records it as done |
//! | a step (build, reload, …) | all remove the release; 1 | all are rolled back; 5; if a rollback fails: 6 | it is reported, never undone |
//! | Ctrl-C or SIGTERM | as a step; 130, 143 | as a step; 130, 143 | done |
//!
//! Hosts act within moments when a connection ends, and after `timeout.lost` when it goes silent.
//!
//! # Bounds
//!
//! Nothing that a host says or leaves unsaid costs more than this. A host beyond a bound is treated as one whose connection was
//! lost: the others are rolled back or go on, as the table above says.
//!
//! | what | bound | where |
//! | --- | --- | --- |
//! | the first word of its shell, whatever its login prints | `timeout.connect` and `timeout.lost` together | `executor/shell_session.rs` |
//! | silence | `timeout.lost` | `executor/shell_session.rs` |
//! | a script | the sum of the limits of its steps, and 60 s for what is no step (more where files are sent, the disk is synced or logs are read); once more the way back, where it ends another run first ([`plan::ScriptLimits`]) | `executor/deadline.rs` |
//! | a script after Ctrl-C, or once another host failed | 4 s until its jobs are killed, and 60 s | `executor/deadline.rs` |
//! | a message | 256 KiB, and 1 MiB of text after it | [`remote::wire`] |
//! | messages that are none of ours | 100; one that is too long | `executor/shell_session.rs` |
//! | messages in answer to one script | 100,000; 200 notes in a run | `executor/bounds.rs` |
//! | what is kept of its answers | 32 MiB | `executor/bounds.rs` |
//! | what was received and not looked at yet | 4 MiB, and 16 MiB in the connection | `executor/shell_session.rs`, `transport/ssh/channel.rs` |
//! | noise, and the end of what a step printed | 16 KiB each | `executor/hear.rs` |
//! | a line of output that is shown | 4 KiB | `report/clean.rs` |
//!
//! `exec`, `console` and `logs -f` last as long as the user wants: Ctrl-C ends them. What goes to a terminal passes `report/clean.rs`
//! last, so that no text of a host, a file or a repository acts on it; what goes out as JSON is escaped there.
//!
//! On a host, no name and nothing that a tool prints reaches arithmetic, a comparison of numbers or `eval` unless `is_number`
//! (`base.sh`) says that it is digits; a name is no part of what is read by lines.
//!
//! `tests/run adversary` plays hostile hosts, logins and names against these bounds.

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
