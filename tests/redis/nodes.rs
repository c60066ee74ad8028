//! A cluster of three.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wafpass::replay::{Admission, ReplayRedis, ReplayRedisFault, ReplayRedisState, ReplayStore};

use crate::common::*;
use crate::fleet::race;
use crate::secure::{CLUSTER_RULES, RULES};

struct Cluster(Vec<Server>);

impl Cluster {
    fn start() -> Self {
        let nodes: Vec<Server> = (0..3)
            .map(|_| {
                let bus = free_port().to_string();
                Server::with(&["--cluster-enabled", "yes", "--cluster-port", &bus])
            })
            .collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(addresses).arg("--cluster-yes");
        let output = create.stdin(Stdio::null()).output().expect("redis-cli is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let began = Instant::now();
        while !nodes.iter().all(|node| node.run::<String>("CLUSTER INFO").contains("state:ok")) {
            assert!(began.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(nodes)
    }

    /// As a user with the permissions of docs/fleet.md.
    fn origin(&self, hand: &Hand) -> Arc<ReplayRedis> {
        for node in &self.0 {
            let _: String = node.run(&format!("ACL SETUSER origin {RULES} {CLUSTER_RULES}"));
        }
        let url = |node: &Server| format!("redis://origin:hunter2@127.0.0.1:{}/", node.port);
        let urls: Vec<String> = self.0.iter().map(url).collect();
        let builder = ReplayRedis::cluster(urls.iter().map(String::as_str)).unwrap();
        build(tuned(builder).clock(hand.clone()))
    }

    fn id(&self, node: usize) -> String {
        self.0[node].run("CLUSTER MYID")
    }

    /// The node that has `slot`.
    fn owner(&self, slot: u16) -> usize {
        let owns = |node: &Server| {
            let nodes: String = node.run("CLUSTER NODES");
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap().to_owned();
            own.split(' ').skip(8).filter(|range| !range.starts_with('[')).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                (first.parse().unwrap()..=last.parse().unwrap()).contains(&slot)
            })
        };
        self.0.iter().position(owns).unwrap()
    }
}

/// The one key that is there beside record and marks.
fn key_of(cluster: &Cluster) -> (String, u16) {
    let mut keys = cluster.0.iter().flat_map(|node| node.run::<Vec<String>>("KEYS *"));
    let key = keys.find(|key| !key.contains(":mark:") && key != "wafpass:retention").unwrap();
    let slot = cluster.0[0].run(&format!("CLUSTER KEYSLOT {key}"));
    (key, slot)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_on_a_cluster() {
    let (cluster, hand) = (Cluster::start(), Hand::new());
    let [a, b] = [0, 1].map(|_| cluster.origin(&hand));
    for origin in [&a, &b] {
        until_ready(origin).await;
        assert_eq!(origin.started(), Some(at(5)), "a new cluster begins now");
    }
    hand.set(at(-10)); // dates are as they are in the other tests from here on
    let date = at(6);
    let ask = |origin, number, max_uses| admit_at(origin, number, max_uses, date, date);
    for number in 0..100 {
        assert_eq!(ask(&a, number, 1).await, FIRST);
        assert_eq!(ask(&b, number, 1).await, Admission::Replayed);
    }
    assert_eq!([ask(&a, 200, 3).await, ask(&b, 200, 3).await], [FIRST, nth(2)]);
    assert_eq!([ask(&a, 200, 3).await, ask(&b, 200, 3).await], [nth(3), Admission::Replayed]);
    for node in &cluster.0 {
        assert!(node.run::<i64>("DBSIZE") > 40, "every node has its share");
    }
    assert_eq!(a.status().failed + b.status().failed, 0);

    // A node that comes back empty is noticed by its marks, whichever has the record.
    for node in &cluster.0 {
        let since = a.status().since.unwrap();
        hand.set(since.saturating_add(100));
        let _: String = node.run("FLUSHALL");
        for origin in [&a, &b] {
            until(origin, |origin| origin.status().since > Some(since)).await;
        }
    }
    assert_eq!(ask(&b, 300, 1).await, Admission::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_takes_its_requests_along() {
    let (cluster, hand) = (Cluster::start(), Hand::new());
    hand.set(at(-10));
    let [a, b] = [0, 1].map(|_| cluster.origin(&hand));
    until_ready(&a).await;
    until_ready(&b).await;
    assert_eq!(admit(&a, 1).await, FIRST);
    let (key, slot) = key_of(&cluster);
    let from = cluster.owner(slot);
    let to = (from + 1) % 3;

    // On its way: the old node sends those that it does not have to the new one.
    let (from_id, to_id) = (cluster.id(from), cluster.id(to));
    let _: String = cluster.0[to].run(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
    let _: String = cluster.0[from].run(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
    assert_eq!(admit(&b, 1).await, Admission::Replayed); // there still
    let port = cluster.0[to].port;
    let _: String = cluster.0[from].run(&format!("MIGRATE 127.0.0.1 {port} {key} 0 5000"));
    let c = cluster.origin(&hand);
    assert_eq!(admit(&c, 1).await, Admission::Replayed); // asked on
    assert_eq!(admit_at(&c, 1, 2, START, START).await, nth(2));

    // And arrived.
    for node in &cluster.0 {
        let _: String = node.run(&format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
    }
    assert_eq!(admit_at(&a, 1, 3, START, START).await, nth(3));
    assert_eq!(admit_at(&b, 1, 3, START, START).await, Admission::Replayed);
    assert_eq!(a.status().failed + b.status().failed + c.status().failed, 0);
    let answers = race([&a, &b], 2, 1, 32).await;
    assert_eq!(answers.get(&format!("{FIRST:?}")), Some(&1), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_one_of_its_nodes_is_not_used() {
    let (mut cluster, hand) = (Cluster::start(), Hand::new());
    hand.set(at(-10));
    let origin = cluster.origin(&hand);
    until_ready(&origin).await;
    assert_eq!(admit(&origin, 1).await, FIRST);
    cluster.0[2].kill();
    until_open(&origin).await;
    assert_eq!(admit(&origin, 2).await, Admission::Unavailable);
    cluster.0[2].restart();
    let _: String = cluster.0[2].run(&format!("ACL SETUSER origin {RULES} {CLUSTER_RULES}"));
    hand.set(at(100));
    until_ready(&origin).await;
    // It came back without what it knew.
    assert_eq!(origin.started(), Some(at(105)));
    assert_eq!(admit_at(&origin, 1, 1, START, at(106)).await, Admission::Expired);
    assert_eq!(admit_at(&origin, 3, 1, at(106), at(106)).await, FIRST);
}

/// Between two looks: the first request finds the connection broken, and makes the origin look.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_empty_between_two_looks_is_not_asked() {
    let (mut cluster, hand) = (Cluster::start(), Hand::new());
    hand.set(at(-10));
    let calm = |cluster: &Cluster| {
        let urls: Vec<String> = cluster.0.iter().map(Server::url).collect();
        let builder = ReplayRedis::cluster(urls.iter().map(String::as_str)).unwrap();
        build(tuned(builder).check_every(Duration::from_secs(10)).clock(hand.clone()))
    };
    let [a, b] = [0, 1].map(|_| calm(&cluster));
    until_ready(&a).await;
    until_ready(&b).await;
    for number in 0..50 {
        assert_eq!(admit(&a, number).await, FIRST);
    }
    cluster.0[2].kill();
    cluster.0[2].restart();
    let began = Instant::now();
    while !cluster.0.iter().all(|node| node.run::<String>("CLUSTER INFO").contains("state:ok")) {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(6), "before the next look");
    hand.set(at(100));
    for number in 0..50 {
        let answer = admit(&b, number).await;
        assert!(!matches!(answer, Admission::Fresh { .. }), "{number}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_evicts_keeps_the_cluster_from_being_used() {
    let (cluster, hand) = (Cluster::start(), Hand::new());
    let _: String = cluster.0[1].run("CONFIG SET maxmemory-policy allkeys-lru");
    let origin = cluster.origin(&hand);
    let refused = ReplayRedisState::Refused(ReplayRedisFault::Evicting);
    until(&origin, |origin| origin.status().state == refused).await;
}
