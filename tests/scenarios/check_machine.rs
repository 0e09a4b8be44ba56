//! The doctor on machines of their own: a full disk, a logind that ends what sessions leave, an sshd that forbids
//! forwarding. Mount namespaces make them, which need no root where user namespaces are allowed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::common::{Host, Kind, World};
use crate::doctor::{cured, cured_by, desk, edit, paste, paste_on_own_etc, remedies, sudo};

on_sshd!(a_full_disk, a_read_only_disk, kill_user_processes, user_services_without_linger,);

/// A mount namespace in which every login of a host happens.
struct Place {
    holder: Child,
}

impl Place {
    /// `mounts` runs in it first, in the host's directory, and as its root.
    fn new(host: &Host, mounts: &str) -> Place {
        let root = host.path("..").canonicalize().unwrap();
        let ways: [(&[&str], &str); 2] = [(&["-rm"], "-U --preserve-credentials -m"), (&["-m"], "-m")];
        for (unshare, nsenter) in ways {
            let mut command = Command::new("unshare");
            command.args(unshare).args(["sh", "-c", &format!("{mounts} && echo ready && exec cat")]);
            command.current_dir(&root).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
            let mut holder =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
            if line != "ready\n" {
                let _ = holder.wait();
                continue;
            }
            let enter = format!("nsenter -t {} {nsenter} --", holder.id());
            host.tool(
                "inside",
                &format!(
                    "#!/bin/sh\nXDG_SESSION_ID=7 exec {enter} sh -c 'cd && exec bash \"$@\"' bash \"$@\"\n"
                ),
            );
            host.shell("env inside");
            // In a namespace of its own everybody is root; over there he is who he is.
            let (name, id) = (crate::doctor::said("id", "-un"), crate::doctor::said("id", "-u"));
            let tool = format!(
                "#!/bin/sh\ncase $1 in -un) echo {name} ;; -u) echo {id} ;; *) exec /usr/bin/id \"$@\" ;; esac\n"
            );
            host.tool("id", &tool);
            sudo(host);
            return Place { holder };
        }
        panic!("this test mounts: it needs either root with CAP_SYS_ADMIN or unprivileged user namespaces");
    }

    /// A path of the host as it is seen in there.
    fn path(&self, host: &Host, path: &str) -> PathBuf {
        let file = host.path("").canonicalize().unwrap().join(path);
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), file.display()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A world whose only host is deployed to, on a small disk.
fn on_a_disk(kind: Kind) -> (World, Place) {
    let world = desk(kind, 1);
    let host = world.host("web1");
    fs::create_dir_all(host.path("disk")).unwrap();
    let place = Place::new(host, "mount -t tmpfs -o size=3m none home/disk");
    let repo = world.repo.url();
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"disk/app\"\n"
    ));
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "check"]).ends_with(0);
    (world, place)
}

fn a_full_disk(kind: Kind) {
    let (world, place) = on_a_disk(kind);
    let fill = place.path(world.host("web1"), "disk/fill");
    let mut file = File::create(&fill).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let run = world
        .shipit(&["production", "check"])
        .ends_with(1)
        .says("not enough space for a release: 0 kB are free");
    // No machine can tell what may go; what takes the space is shown.
    let biggest = paste(&world, &remedies(&run)[0]).ends_with(0);
    assert!(biggest.stdout.lines().last().unwrap().ends_with("/disk"), "{biggest}");
    fs::remove_file(fill).unwrap();
    world.shipit(&["production", "check"]).ends_with(0);
}

fn a_read_only_disk(kind: Kind) {
    let (world, _place) = on_a_disk(kind);
    world.ssh("web1", "mount -o remount,ro disk").ends_with(0);
    world.shipit(&["production", "check"]).ends_with(1).says("is the file system read-only?");
    cured(&world);
}

/// Its own /etc and /run, where systemd runs.
const OWN_ETC: &str = "{ cp -a /etc etc 2>/dev/null; mkdir -p etc/systemd/logind.conf.d etc/ssh/sshd_config.d; } && \
    mount --bind etc /etc && mount -t tmpfs none /run && mkdir -p /run/systemd/system";

fn kill_user_processes(kind: Kind) {
    let world = crate::doctor::ready(kind, 1, "");
    let host = world.host("web1");
    let _place = Place::new(host, OWN_ETC);
    host.tool("systemctl", "#!/bin/sh\necho \"$*\" >>~/systemctl\n");
    let write = |name: &str, text: &str| fs::write(host.path("../etc/systemd").join(name), text).unwrap();
    let (me, root) = (crate::doctor::said("id", "-un"), "root");
    // root is spared unless something else is said, and comments count for nothing
    write("logind.conf", "[Login]\n#KillUserProcesses=no\nKillUserProcesses = yes\n");
    if me == root {
        world.shipit(&["production", "check"]).ends_with(0).says("ok");
    }
    write("logind.conf.d/10-mine.conf", "[Login]\nKillExcludeUsers=nobody\n");
    let run = world.shipit(&["production", "check"]).ends_with(0);
    assert!(run.stdout.contains("  warning: logind ends all that a session leaves behind"), "{run}");
    write("logind.conf.d/90-mine.conf", "[Login]\nKillUserProcesses=0\n");
    world.shipit(&["production", "check"]).ends_with(0).says("this machine and web1: ok");
    write("logind.conf.d/95-mine.conf", &format!("[Login]\nKillOnlyUsers=a {me}\n"));
    world.shipit(&["production", "check"]).ends_with(0).says("  warning: logind ends");
    cured_by(&world, paste_on_own_etc);
    assert_eq!(host.read("systemctl").as_deref(), Some("restart systemd-logind\n"));
}

fn user_services_without_linger(kind: Kind) {
    let world = crate::doctor::ready(kind, 1, "");
    let host = world.host("web1");
    let _place = Place::new(host, &format!("{OWN_ETC} && mount -t tmpfs none /var/lib"));
    world.shipit(&["production", "check"]).ends_with(0).does_not_say("linger");
    world
        .production("supervisor = { reload = \"true && systemctl --user restart shop\", verify = \"true\" }");
    world.shipit(&["production", "check"]).ends_with(0).says("  warning: linger is off");
    host.tool("loginctl", "#!/bin/sh\n[ $1 = enable-linger ] && mkdir -p /var/lib/systemd/linger && : >/var/lib/systemd/linger/$2\n");
    cured(&world);
}

#[test]
fn forwarding_forbidden() {
    for forbid in ["AllowTcpForwarding no", "DisableForwarding yes"] {
        let world = crate::doctor::ready(Kind::Sshd, 1, "");
        let host = world.host("web1");
        let _place = Place::new(host, OWN_ETC);
        host.tool("systemctl", "#!/bin/sh\n[ \"$1\" = reload ]\n");
        let included = host.path("../etc/ssh/sshd_config.d").canonicalize().unwrap();
        edit(&host.path("../server/config"), |config| {
            format!("Include {}/*.conf\n{config}{forbid}\n", included.display())
        });
        host.kill_sshd();
        host.start();
        let run = world.shipit(&["production", "check"]).ends_with(0);
        assert!(run.stdout.contains("  warning: sshd forbids forwarding"), "{forbid}: {run}");
        remedies(&run).iter().for_each(|line| drop(paste_on_own_etc(&world, line).ends_with(0)));
        host.kill_sshd();
        host.start();
        world.shipit(&["production", "check"]).ends_with(0).says("this machine and web1: ok");
        world.deploy("two");
    }
}
