//! The system's limits for watching, against what is needed and what others have of them.

use super::{many, shown};
use crate::model::{Diagnosis, Health};
use crate::settings::Poll;
use crate::watch::Census;
use crate::watch::place::{self, InUse, Limit};

/// From this part of a limit on somebody is going to meet it soon.
const MUCH: f64 = 0.9;

pub(super) fn examine(census: &Census, used: Option<InUse>, poll: Poll) -> Vec<Diagnosis> {
    if let Poll::Every(pause) = poll {
        let message = format!("not needed: every file is looked at every {} instead", shown(pause));
        return vec![Diagnosis::ok("watches", message)];
    }
    let limits = place::limits();
    let mut found = vec![watches(census, used, limits.watches)];
    found.push(instances(census, used, limits.instances));
    if let Some(queue) = limits.queue {
        let message = format!("{queue} events may wait; if there are more, every file is compared");
        found.push(Diagnosis::ok("queue", message).fact("limit", queue));
    }
    found
}

fn watches(census: &Census, used: Option<InUse>, limit: Option<u64>) -> Diagnosis {
    let others = used.map(|used| used.watches);
    let found = |message: String| {
        Diagnosis::ok("watches", message)
            .fact("limit", limit)
            .fact("used", others)
            .fact("needed", census.needed)
            .fact("unwatched", census.unwatched)
    };
    let remedy = || {
        format!("{}; to keep it, write it into /etc/sysctl.d", Limit::Watches.remedy(census.needed))
    };
    let needed = many(census.needed, "folder");
    let state = of(limit, others);
    if census.refused == Some(Limit::Watches) {
        let message =
            format!("{} of {needed} cannot be watched, and are polled: {state}", census.unwatched);
        return found(message).but(Health::Fail, remedy());
    }
    let sum = others.unwrap_or_default() + census.needed as u64;
    let all = found(format!("{needed} to watch; {state}"));
    if limit.is_some_and(|limit| sum as f64 > limit as f64 * MUCH) {
        return all.but(Health::Warn, remedy());
    }
    all
}

fn instances(census: &Census, used: Option<InUse>, limit: Option<u64>) -> Diagnosis {
    let others = used.map(|used| used.instances);
    let state = of(limit, others);
    let found = |message: String| {
        let found = Diagnosis::ok("instances", message).fact("limit", limit).fact("used", others);
        found.fact("needed", 1)
    };
    let remedy = || Limit::Instances.remedy(census.needed);
    if census.refused == Some(Limit::Instances) {
        let message = format!("nothing can be watched, and everything is polled: {state}");
        return found(message).but(Health::Fail, remedy());
    }
    let all = found(format!("1 to open; {state}"));
    let sum = others.unwrap_or_default() + 1;
    if limit.is_some_and(|limit| sum as f64 > limit as f64 * MUCH) {
        return all.but(Health::Warn, remedy());
    }
    all
}

fn of(limit: Option<u64>, used: Option<u64>) -> String {
    match (limit, used) {
        (Some(limit), Some(used)) => format!("{used} of {limit} in use by your programs"),
        (Some(limit), None) => format!("the limit is {limit}"),
        (None, _) => "no limit is known".to_owned(),
    }
}
