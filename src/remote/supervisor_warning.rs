//! What an adapter wants the user to know, and that stops nothing: the host says a word and fields, the message is made here.

macro_rules! warnings {
    ($($word:literal $warning:ident { $($field:ident),* } => $message:literal;)*) => {
        /// Something about a supervisor or what it runs.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "`message` says what each means")]
        pub enum SupervisorWarning {
            $($warning { $($field: String),* },)*
        }

        impl SupervisorWarning {
            /// The word of each, and its fields.
            pub const ALL: &[(&str, &[&str])] = &[$(($word, &[$(stringify!($field)),*])),*];

            /// What a host said. `None`: not one of our words, or not its fields.
            #[must_use]
            pub fn parse(word: &str, fields: &[String]) -> Option<SupervisorWarning> {
                let mut fields = fields.iter().cloned();
                let warning = match word {
                    $($word => SupervisorWarning::$warning { $($field: fields.next()?),* },)*
                    _ => return None,
                };
                fields.next().is_none().then_some(warning)
            }

            /// What is so, of what, and what to do about it.
            #[must_use]
            pub fn message(&self) -> String {
                match self { $(SupervisorWarning::$warning { $($field),* } => format!($message),)* }
            }
        }
    };
}

warnings! {
    "will-recreate" WillRecreate { kind, name, why } =>
        "{kind} will start {name} anew instead of reloading it: {why}";
    "gap" Gap { kind, name, why } =>
        "{name} does not serve for a moment while {kind} reloads it: {why}";
    "long-reload" LongReload { kind, name, time } =>
        "the reload may take up to {time}: {kind} gives old processes of {name} so long to end (kill_timeout)";
    "reload-limit" ReloadLimit { kind, name, time, limit, wanted } =>
        "{kind} gives old processes of {name} up to {time} to end (kill_timeout), and a reload is ended after {limit} s: set \
         timeout = {{ reload = \"{wanted}s\" }}";
    "fork-mode" ForkMode { name } =>
        "{name} runs in pm2's fork mode, in which a reload is a restart: set exec_mode = \"cluster\" to serve without a gap";
    "not-ours" NotOurs { name, place } =>
        "pm2 also runs a {name} from {place}: it is left alone";
    "unknown-release" UnknownRelease { kind, name } =>
        "{kind} runs {name} in another directory, so that its release cannot be told: let `health` ask the app";
    "not-saved" NotSaved { why } =>
        "pm2 save was left out: {why}; after a reboot pm2 starts what it saved last";
    "version-skew" VersionSkew { tool, daemon } =>
        "pm2 is {tool} and its daemon still runs {daemon}: `pm2 update` restarts all apps, so do it when a gap is acceptable";
    "no-daemon" NoDaemon { home } =>
        "pm2's daemon does not run, though apps are saved in {home}: a deploy starts them; at once, on the host: pm2 resurrect";
    "unit-down" UnitDown { unit, home } =>
        "pm2's daemon does not run, though apps are saved in {home}: a deploy starts {unit}; at once, as root: systemctl start {unit}";
    "unit-not-permitted" UnitNotPermitted { unit, user, systemctl } =>
        "{user} may not start {unit}, which starts pm2 at boot: while pm2's daemon is down a deploy starts it without the unit; \
         at once, as root: systemctl start {unit}; for deploys, in sudoers: {user} ALL=(root) NOPASSWD: {systemctl} start {unit}";
    "unit-failed" UnitFailed { unit, why } =>
        "pm2 was started without {unit}, which starts it at boot, since that failed ({why}): journalctl -u {unit}";
    "no-boot-unit" NoBootUnit {} =>
        "nothing that this login sees starts pm2 when the machine boots";
    "unit-disabled" UnitDisabled { unit } =>
        "pm2 does not start when the machine boots: {unit} is there, and is disabled";
    "unit-broken" UnitBroken { unit, path } =>
        "pm2 does not start when the machine boots: {unit} starts it by {path}, which is not there";
    "no-dump" NoDump { home } =>
        "pm2 starts no app when the machine boots: nothing is saved in {home}";
    "not-in-dump" NotInDump { home, names } =>
        "pm2 does not start {names} when the machine boots: that is not in what is saved in {home}";
    "dump-pinned" DumpPinned { home, names, place } =>
        "when the machine boots, pm2 starts {names} from {place} and not from `current`: so it is saved in {home}";
    "log-not-rotated" LogNotRotated { file } =>
        "{file} grows without end: neither a module of pm2 nor a file of logrotate that this login sees rotates it";
    "log-moved" LogMoved { file, rule } =>
        "{rule} moves {file} away, and pm2 goes on to write into what was moved: add `copytruncate` there";
    "unit-not-enabled" UnitNotEnabled { scope, unit } =>
        "{unit} runs, and does not start when the machine boots: it is a disabled unit of the {scope}";
    "down-file" DownFile { name, file } =>
        "{name} runs, and does not start when the machine boots: {file} is there";
    "no-autostart" NoAutostart { name } =>
        "{name} runs, and does not start when supervisord does: set `autostart = true` in its section";
    "no-linger" NoLinger { user } =>
        "systemd ends the services of {user} with its last session: loginctl enable-linger {user}";
    "stopped-app" StoppedApp { name } =>
        "{name} is stopped on this host and stays so";
    "live-at-switch" LiveAtSwitch { name } =>
        "pm2's {name} serves files below `current`: they are live at the switch, before it is reloaded";
    "log-in-release" LogInRelease { name, path } =>
        "{name} writes its log into the release ({path}), and it is removed with it: shared = [\"logs/\"], or another path";
    "job" Job { name } =>
        "{name} is a job: it runs from the new release from its next time on";
}
