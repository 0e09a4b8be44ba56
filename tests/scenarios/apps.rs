//! Several apps as one deploy: all of them live or none, one release name, one line in the list, and a revert of what a
//! deploy changed.

use crate::common::{Kind, World, eventually};
use rustix::process::Signal;

on_each_kind!(a_client_that_is_killed_leaves_both_as_they_were, two_apps_on_a_host_share_its_connection,);

on_sshd!(
    both_go_live_as_one_deploy_in_their_order,
    what_is_not_changed_is_left_alone,
    a_failure_in_one_puts_all_back,
    a_revert_takes_back_what_the_deploy_changed,
    a_revert_of_one_app_goes_on_past_a_dead_host,
    a_dead_host_without_the_app_that_is_reverted_is_only_named,
    an_app_that_came_with_a_deploy_stays_when_that_is_undone,
    a_revert_that_was_cut_short_between_two_apps_is_told,
    apps_go_to_hosts_with_their_roles,
    each_app_is_told_with_its_own_commit,
);

const HOOKS: &str = r#"
[defaults]
build = "[ ! -e broken-build ]"
post-deploy = 'echo "$SHIPIT_APP $SHIPIT_HOST $(cat page)" >> ~/order'
supervisor = { reload = 'touch ~/reloads-$SHIPIT_APP; while [ -e ~/hang-$SHIPIT_APP ]; do sleep 0.2; done; [ ! -e slow ] || { touch ~/reloading; sleep 1000; }; [ ! -e broken ]; cp page ~/running-$SHIPIT_APP' }
timeout = { lost = "5s", reload = "10s" }
"#;

// The branches `api` and `web` of one repository.
fn world(kind: Kind, hosts: &str, count: usize) -> World {
    let world = World::new(kind, count);
    let repo = world.repo.url();
    world.config(&format!(
        "{HOOKS}\n[apps.web]\nrepo = {repo:?}\nref = \"web\"\nafter = \"api\"\nroles = \"web\"\n\
         [apps.api]\nrepo = {repo:?}\nref = \"api\"\nroles = \"api\"\n\
         [deploy.production]\nhosts = {hosts}\npath = \"{{app}}\"\n"
    ));
    publish(&world, "api", &[("page", "one")]);
    publish(&world, "web", &[("page", "one")]);
    world
}

fn both(kind: Kind, count: usize) -> World {
    let hosts = format!("[{{ host = \"web[1:{count}]\", roles = [\"api\", \"web\"] }}]");
    let world = world(kind, &hosts, count);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "one", "one");
    world
}

fn publish(world: &World, branch: &str, files: &[(&str, &str)]) -> String {
    let commit = world.repo.commit(files);
    world.repo.git(&["push", "-q", "--force", "origin", &format!("HEAD:refs/heads/{branch}")]);
    commit
}

#[track_caller]
fn serve(world: &World, api: &str, web: &str) {
    for host in world.hosts() {
        for (app, page) in [("api", api), ("web", web)] {
            let served = host.read(&format!("{app}/current/page"));
            assert_eq!(served.as_deref(), Some(page), "{app} on {}", host.name());
            let running = host.read(&format!("running-{app}"));
            assert_eq!(running.as_deref(), Some(page), "what runs of {app} on {}", host.name());
            assert!(!host.path(&format!("{app}/.shipit/lock")).exists(), "{app} on {}", host.name());
        }
    }
}

fn release(world: &World, app: &str) -> String {
    let link = std::fs::read_link(world.host("web1").path(&format!("{app}/current"))).unwrap();
    link.file_name().unwrap().to_str().unwrap().to_owned()
}

fn both_go_live_as_one_deploy_in_their_order(kind: Kind) {
    let world = both(kind, 2);
    let api = publish(&world, "api", &[("page", "two")]);
    let web = publish(&world, "web", &[("page", "zwei")]);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "zwei");
    let shown = world.shipit(&["production", "show"]).ends_with(0).stdout;
    assert!(shown.contains(&format!("api {api}\n")) && shown.contains(&format!("web {web}\n")), "{shown}");
    assert_eq!(release(&world, "api"), release(&world, "web"), "one release name");
    for host in world.hosts() {
        let order = host.read("order").unwrap();
        let name = host.name();
        assert_eq!(
            order,
            format!("api {name} one\nweb {name} one\napi {name} two\nweb {name} zwei\n"),
            "web comes after api"
        );
    }
    let list = world.shipit(&["production", "list"]).ends_with(0).stdout;
    assert_eq!(list.lines().count(), 3, "a head and two deploys: {list}");
    assert!(list.contains("api ") && list.contains(", web "), "{list}");
    world.shipit(&["production", "status", "--check"]).ends_with(0).says("web2/web");
    let current = world.shipit(&["production", "current"]).ends_with(0).stdout;
    assert!(current.starts_with("api\t") && current.contains("\nweb\t"), "{current}");
    world.shipit(&["production"]).ends_with(0).says("nothing to do");
    world.shipit(&["production", "exec", "true"]).ends_with(2).says("--apps api");
    world.shipit(&["production", "--apps", "web", "exec", "cat page"]).ends_with(0).says("zwei");
}

fn what_is_not_changed_is_left_alone(kind: Kind) {
    let world = both(kind, 2);
    let before = release(&world, "web");
    publish(&world, "api", &[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "one");
    assert_eq!(release(&world, "web"), before);
    assert_ne!(release(&world, "api"), before);
    publish(&world, "api", &[("page", "three")]);
    publish(&world, "web", &[("page", "three")]);
    world.shipit(&["production", "--apps", "web"]).ends_with(0);
    serve(&world, "two", "three");
    world.shipit(&["production", "--ref", "three"]).ends_with(2).says("--ref api=three");
    world.shipit(&["production", "--ref", "api=web"]).ends_with(0);
    serve(&world, "three", "three");
}

fn a_failure_in_one_puts_all_back(kind: Kind) {
    let world = both(kind, 2);
    publish(&world, "api", &[("page", "two")]);
    publish(&world, "web", &[("page", "two"), ("broken", "")]);
    world.shipit(&["production"]).ends_with(5).says("web1/web");
    serve(&world, "one", "one");
    publish(&world, "web", &[("page", "two"), ("broken-build", "")]);
    world.shipit(&["production"]).ends_with(1);
    serve(&world, "one", "one");
    world.repo.git(&["rm", "-q", "broken", "broken-build"]);
    publish(&world, "web", &[("page", "three")]);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "three");
}

fn a_revert_takes_back_what_the_deploy_changed(kind: Kind) {
    let world = both(kind, 2);
    publish(&world, "api", &[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    publish(&world, "web", &[("page", "zwei")]);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "zwei");
    world.shipit(&["production", "revert"]).ends_with(0);
    serve(&world, "two", "one");
    world.shipit(&["production", "revert"]).ends_with(0);
    serve(&world, "one", "one");
    world.shipit(&["production", "revert"]).ends_with(1).says("no earlier deploy");
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "zwei");
    world.shipit(&["production", "revert"]).ends_with(0);
    serve(&world, "one", "one");
}

fn a_revert_of_one_app_goes_on_past_a_dead_host(kind: Kind) {
    let world = both(kind, 2);
    publish(&world, "api", &[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "one");
    world.host("web2").kill_sshd();
    world.shipit(&["production", "revert"]).ends_with(6).says("web2");
    let served = |host: &str| world.host(host).read("api/current/page");
    assert_eq!((served("web1").as_deref(), served("web2").as_deref()), (Some("one"), Some("two")));
    world.host("web2").start();
    world.shipit(&["production", "sync"]).ends_with(3);
    world.shipit(&["production", "revert"]).ends_with(0);
    serve(&world, "one", "one");
}

fn a_dead_host_without_the_app_that_is_reverted_is_only_named(kind: Kind) {
    let hosts = r#"[{ host = "web1", roles = ["api"] }, { host = "web2", roles = ["web"] }]"#;
    let world = world(kind, hosts, 2);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    publish(&world, "api", &[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    world.host("web2").kill_sshd();
    world
        .shipit(&["production", "revert"])
        .ends_with(0)
        .says("web2/web")
        .says("did not answer; it needs no change");
    assert_eq!(world.host("web1").read("api/current/page").as_deref(), Some("one"));
    world.host("web2").start();
}

fn an_app_that_came_with_a_deploy_stays_when_that_is_undone(kind: Kind) {
    let world = World::new(kind, 1);
    let repo = world.repo.url();
    let app = |name: &str| format!("[apps.{name}]\nrepo = {repo:?}\nref = \"{name}\"\n");
    let environment = "[deploy.production]\nhost = \"web1\"\npath = \"{app}\"\n";
    world.config(&format!("{HOOKS}\n{}{environment}", app("api")));
    for page in ["one", "two"] {
        publish(&world, "api", &[("page", page)]);
        world.shipit(&["production", "setup"]).ends_with(0);
        world.shipit(&["production"]).ends_with(0);
    }
    world.config(&format!("{HOOKS}\n{}{}{environment}", app("api"), app("web")));
    publish(&world, "api", &[("page", "three")]);
    publish(&world, "web", &[("page", "three")]);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "three", "three");
    world
        .shipit(&["production", "revert"])
        .ends_with(0)
        .says("web stays live: there is no earlier release to return to");
    serve(&world, "two", "three");
    world.shipit(&["production", "revert"]).ends_with(0);
    serve(&world, "one", "three");
    world.shipit(&["production", "revert"]).ends_with(1).says("no earlier deploy");
}

fn a_revert_that_was_cut_short_between_two_apps_is_told(kind: Kind) {
    let world = both(kind, 2);
    publish(&world, "api", &[("page", "two")]);
    publish(&world, "web", &[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    for host in world.hosts() {
        std::fs::remove_file(host.path("reloads-api")).unwrap();
        host.put("hang-api", "");
    }
    let running = world.shipit_spawn(&["production", "revert"]);
    eventually("the first app", || world.hosts().iter().all(|host| host.path("reloads-api").exists()));
    running.kill(Signal::KILL);
    running.wait();
    world.hosts().iter().for_each(|host| std::fs::remove_file(host.path("hang-api")).unwrap());
    eventually("the hosts let go", || {
        let locked =
            |app: &str| world.hosts().iter().any(|host| host.path(&format!("{app}/.shipit/lock")).exists());
        !locked("api") && !locked("web")
    });
    serve(&world, "one", "two");
    let status = world.shipit(&["production", "status", "--check"]).ends_with(1);
    let goal = release(&world, "api");
    status
        .says("the last revert did not reach web1/web and web2/web")
        .says(&format!("`shipit production revert {goal}`"));
    world.shipit(&["production", "revert", &goal]).ends_with(0);
    serve(&world, "one", "one");
    world.shipit(&["production", "status", "--check"]).ends_with(0);
}

fn apps_go_to_hosts_with_their_roles(kind: Kind) {
    let hosts = "[{ host = 'web1', roles = 'api' }, { host = 'web2', roles = 'web' }]";
    let world = world(kind, hosts, 2);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    assert_eq!(world.host("web1").read("api/current/page").as_deref(), Some("one"));
    assert_eq!(world.host("web2").read("web/current/page").as_deref(), Some("one"));
    assert!(!world.host("web1").path("web").exists() && !world.host("web2").path("api").exists());
    publish(&world, "api", &[("page", "two")]);
    world.shipit(&["production", "--roles", "web"]).ends_with(0).says("nothing to do");
    world.shipit(&["production", "--roles", "api"]).ends_with(0);
    assert_eq!(world.host("web1").read("api/current/page").as_deref(), Some("two"));
}

fn a_client_that_is_killed_leaves_both_as_they_were(kind: Kind) {
    let world = both(kind, 2);
    publish(&world, "api", &[("page", "two")]);
    publish(&world, "web", &[("page", "two"), ("slow", "")]);
    let running = world.shipit_spawn(&["production"]);
    eventually("web is reloading where api is live", || {
        world.hosts().iter().all(|host| host.read("reloading").is_some())
    });
    assert_eq!(world.host("web1").read("running-api").as_deref(), Some("two"));
    running.kill(Signal::KILL);
    eventually("both are back and unlocked", || {
        world.hosts().iter().all(|host| {
            ["api", "web"].iter().all(|app| {
                let page = host.read(&format!("running-{app}"));
                page.as_deref() == Some("one") && !host.path(&format!("{app}/.shipit/lock")).exists()
            })
        })
    });
    serve(&world, "one", "one");
    world.repo.git(&["rm", "-q", "slow"]);
    publish(&world, "web", &[("page", "three")]);
    world.shipit(&["production"]).ends_with(0);
    serve(&world, "two", "three");
}

fn two_apps_on_a_host_share_its_connection(kind: Kind) {
    let world = both(kind, 1);
    let before = world.host("web1").logins();
    publish(&world, "api", &[("page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    assert_eq!(world.host("web1").logins() - before, 1, "one login for both");
}

fn each_app_is_told_with_its_own_commit(kind: Kind) {
    let world = both(kind, 1);
    let commit =
        |app: &str| world.repo.git(&["rev-parse", "--short=7", &format!("origin/{app}")]).trim().to_owned();
    let (api, web) = (commit("api"), commit("web"));
    assert_ne!(api, web);
    let status = world.shipit(&["production", "status"]).ends_with(0);
    let row = |name: &str| status.stdout.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("web1/api").contains(&api) && row("web1/web").contains(&web), "{status}");
    let list = world.shipit(&["production", "list"]).ends_with(0);
    assert!(
        list.stdout.contains(&format!("api {api}")) && list.stdout.contains(&format!("web {web}")),
        "{list}"
    );
}
