//! The examples behind a load balancer, with the real nginx and HAProxy: no request on a new connection fails while a deploy
//! goes over both hosts, one is rolled back, and all is restarted. Each service ends at once when it is restarted, and the
//! balancer asks no second server: what keeps requests is the drain alone.

use std::fs;
use std::io::Error;
use std::thread::{self, JoinHandle};

use crate::balancer::client::{Client, Tally, ask_for};
use crate::balancer::{Change, Example, PATIENCE, Shop, address};
use crate::common::{Signal, eventually, within};

fn as_it_is(toml: String) -> String {
    toml
}

/// One deploy, one that fails on the second host and is rolled back, one restart.
fn no_request_fails(shop: &Shop) -> (Tally, Tally) {
    let client = Client::begin(shop.address());
    shop.publish_good("two");
    shop.world.shipit(&["production"]).ends_with(0);
    shop.serves("two");
    shop.publish_bad("three");
    shop.world.shipit(&["production", "--set", "health.within=15s"]).ends_with(5).says("health");
    shop.serves("two");
    shop.world.shipit(&["production", "restart"]).ends_with(0);
    shop.serves("two");
    let (new, kept) = client.finish();
    eprintln!(
        "new connections: {} of {} requests failed; a kept connection: {} of {} failed, and {} found it closed ({} connections)",
        new.failed.len(),
        new.asked,
        kept.failed.len(),
        kept.asked,
        kept.closed,
        kept.connections
    );
    assert!(new.failed.is_empty(), "of {} requests on new connections: {:#?}", new.asked, new.failed);
    assert!(kept.failed.is_empty(), "of {} requests on a kept connection: {:#?}", kept.asked, kept.failed);
    assert!(new.asked > 200, "{new:?}");
    (new, kept)
}

// A reload of nginx closes connections that are kept open and idle: a client that asks on one at that moment asks again.
#[test]
fn no_request_fails_behind_nginx() {
    no_request_fails(&Shop::open(Example::Nginx, as_it_is));
}

#[test]
fn no_request_fails_behind_haproxy() {
    let (_, kept) = no_request_fails(&Shop::open(Example::Haproxy, as_it_is));
    assert_eq!((kept.closed, kept.connections), (0, 1), "nothing is reloaded, so nothing is closed");
}

#[test]
fn no_request_fails_behind_a_balancer_that_only_checks() {
    let (_, kept) = no_request_fails(&Shop::open(Example::Health, as_it_is));
    assert_eq!((kept.closed, kept.connections), (0, 1), "nothing is reloaded, so nothing is closed");
}

// What the figures above are worth.
#[test]
fn without_a_drain_requests_fail() {
    let shop = Shop::at(Example::Nginx, 23101, |toml| toml.replace("run = 'ssh", "run = 'true"));
    let client = Client::begin(shop.address());
    shop.world.shipit(&["production", "restart"]).ends_with(0);
    let (new, _) = client.finish();
    eprintln!("without a drain: {} of {} requests failed", new.failed.len(), new.asked);
    assert!(!new.failed.is_empty(), "none of {}", new.asked);
}

/// All hosts of a batch ask at once; one is refused, and the other one is rolled back.
fn somebody_has_to_answer(shop: &Shop, limit: Change) {
    shop.change_balancer(limit);
    let refusal = "is the last that takes requests";
    let client = Client::begin(shop.address());
    shop.publish_good("two");
    shop.world.shipit(&["production", "--batch", "all"]).ends_with(5).says(refusal);
    shop.serves("one");
    shop.lb("drain", "web1").ends_with(0);
    shop.lb("drain", "web1").ends_with(0);
    shop.lb("drain", "web2").ends_with(1).says(refusal);
    shop.lb("undrain", "web1").ends_with(0);
    shop.lb("undrain", "web1").ends_with(0);
    shop.serves("one");
    shop.lb("drain", "web9").ends_with(1).says(&address("web9"));
    for name in ["''", "../shop", "-x", ".", "'a b'", "'a;b'", "'web1*'"] {
        let run = shop.world.ssh("web3", &format!("lb drain {name}")).ends_with(1);
        assert!(run.stderr.contains("no name of a host"), "{run}");
    }
    let (new, _) = client.finish();
    assert!(new.failed.is_empty(), "of {}: {:#?}", new.asked, new.failed);
}

#[test]
fn nginx_never_loses_its_last_host() {
    let shop = Shop::at(Example::Nginx, 23102, as_it_is);
    somebody_has_to_answer(&shop, ("../bin/lb", "limit=30", "limit=5"));
    // What others broke is not reloaded, and the host stays where it was.
    let lb = shop.world.host("web3");
    lb.put("shop/broken.conf", "servr;\n");
    shop.lb("drain", "web1").ends_with(1).says("would not be valid");
    assert!(lb.path(&format!("shop/{}.conf", address("web1"))).exists());
    fs::remove_file(lb.path("shop/broken.conf")).unwrap();
    shop.serves("one");
}

#[test]
fn haproxy_never_loses_its_last_host() {
    let shop = Shop::at(Example::Haproxy, 23201, as_it_is);
    somebody_has_to_answer(&shop, ("../bin/lb", "limit=20", "limit=5"));
}

/// A request to the first host that does not come to an end by itself, and a balancer that waits less long for it.
fn slow_request(shop: &Shop, limit: Change) -> JoinHandle<Result<(), Error>> {
    let get = "def do_GET(self):\n";
    let slow = "        if self.path == '/slow':\n            open(HERE + '/slow', 'w')\n            time.sleep(600)\n";
    shop.publish_changed("two", get, &format!("{get}{slow}"));
    shop.world.shipit(&["production"]).ends_with(0);
    shop.change_balancer(limit);
    shop.lb("drain", "web2").ends_with(0);
    let address = shop.address();
    let asking = thread::spawn(move || ask_for(&address, "/slow"));
    eventually("the slow request", || shop.world.host("web1").path("app/current/slow").exists());
    asking
}

/// The drain is done nevertheless.
fn what_takes_too_long_is_cut_off(shop: &Shop, limit: Change) {
    let asking = slow_request(shop, limit);
    shop.lb("undrain", "web2").ends_with(0);
    shop.lb("drain", "web1").ends_with(0);
    assert!(asking.join().unwrap().is_err(), "it was cut off");
    shop.lb("undrain", "web1").ends_with(0);
    shop.serves("two");
}

#[test]
fn what_takes_too_long_is_cut_off_by_nginx() {
    let shop = Shop::at(Example::Nginx, 23103, as_it_is);
    what_takes_too_long_is_cut_off(
        &shop,
        ("nginx.conf", "worker_shutdown_timeout 20s", "worker_shutdown_timeout 2s"),
    );
}

#[test]
fn what_takes_too_long_is_cut_off_by_haproxy() {
    let shop = Shop::at(Example::Haproxy, 23203, as_it_is);
    what_takes_too_long_is_cut_off(&shop, ("../bin/lb", "limit=20", "limit=5"));
}

// The drain goes on at the balancer when its ssh was ended: what takes the host in waits for that.
#[test]
fn after_an_interrupted_drain_the_host_takes_requests() {
    let shop = Shop::at(Example::Haproxy, 23204, as_it_is);
    let asking = slow_request(&shop, ("../bin/lb", "limit=20", "limit=5"));
    shop.lb("undrain", "web2").ends_with(0);
    let running = shop.world.shipit_spawn(&["production", "restart"]);
    eventually("the drain", || shop.balancer_runs("lb drain"));
    running.kill(Signal::INT);
    running.wait().ends_with(130);
    shop.serves("two");
    assert!(asking.join().unwrap().is_err(), "it was cut off");
}

// Where the hosts reach the balancer, `local` is left out: then no person has to take a host in after the operator was lost.
#[test]
fn a_host_that_reaches_the_balancer_takes_itself_in_when_the_operator_is_lost() {
    let shop = Shop::at(Example::Haproxy, 23202, |toml| {
        let lines = toml.lines().filter(|line| !line.starts_with("local = true"));
        lines.map(|line| format!("{line}\n")).collect()
    });
    let client = Client::begin(shop.address());
    shop.publish_bad("two");
    let running = shop.world.shipit_spawn(&["production", "-v"]);
    eventually_drained(&shop, "web2");
    running.kill(Signal::KILL);
    running.wait();
    within(PATIENCE, "the way back", || {
        let status = shop.world.shipit(&["production", "status"]).stdout;
        !status.contains("locked") && !status.contains("drained") && !status.contains("differs")
    });
    shop.serves("one");
    let (new, _) = client.finish();
    assert!(new.failed.is_empty(), "of {}: {:#?}", new.asked, new.failed);
}

fn eventually_drained(shop: &Shop, host: &str) {
    let pid = shop.world.host(host).read("pid");
    // Its service was ended, so it was drained before.
    within(PATIENCE, "the restart", || shop.world.host(host).read("pid") != pid);
}
