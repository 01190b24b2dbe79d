//! Contents that both sides of a socket have: they cross it once.
//!
//! A start names every file of its plugin that is known, and the answer every file that was executed.
//! Nearly all of them were in the start before. Those travel without their bytes; both sides note what
//! crosses, in the same order, so each knows what the other has.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::message::{Request, Response};
use crate::model::PluginId;
use crate::source::{ContentHash, Source};

/// What one side knows that the other has, for each plugin.
#[derive(Default)]
pub(super) struct Contents {
    of: HashMap<PluginId, HashMap<PathBuf, Source>>,
}

impl Contents {
    /// To be done to each request before it is sent.
    pub(super) fn shorten(&mut self, request: &mut Request) {
        match request {
            Request::Start(start) => shorten(self.of(&start.key), &mut start.sources),
            Request::Forget(key) => _ = self.of.remove(key),
            _ => {}
        }
    }

    /// To be done to each request that arrives.
    pub(super) fn complete(&mut self, request: &mut Request) {
        match request {
            Request::Start(start) => complete(self.of(&start.key), &mut start.sources),
            Request::Forget(key) => _ = self.of.remove(key),
            _ => {}
        }
    }

    /// To be done to each answer before it is sent; it is about the plugin `key`.
    pub(super) fn shorten_answer(&mut self, key: Option<&PluginId>, answer: &mut Response) {
        if let (Response::Started(started), Some(key)) = (answer, key) {
            shorten(self.of(key), &mut started.trace.imported);
        }
    }

    /// To be done to each answer that arrives.
    pub(super) fn complete_answer(&mut self, key: Option<&PluginId>, answer: &mut Response) {
        if let (Response::Started(started), Some(key)) = (answer, key) {
            complete(self.of(key), &mut started.trace.imported);
        }
    }

    fn of(&mut self, key: &PluginId) -> &mut HashMap<PathBuf, Source> {
        self.of.entry(key.clone()).or_default()
    }
}

/// Takes away the bytes that the other side has.
fn shorten(known: &mut HashMap<PathBuf, Source>, sources: &mut [Source]) {
    let nothing: Arc<[u8]> = Arc::default();
    for source in sources {
        match known.get_mut(&source.path) {
            Some(known) if known.hash == source.hash => source.bytes = nothing.clone(),
            Some(known) => *known = source.clone(),
            None => _ = known.insert(source.path.clone(), source.clone()),
        }
    }
}

/// Puts back the bytes that the other side took away.
fn complete(known: &mut HashMap<PathBuf, Source>, sources: &mut Vec<Source>) {
    let empty = ContentHash::of(&[]);
    sources.retain_mut(|source| {
        match known.get_mut(&source.path) {
            Some(known) if known.hash == source.hash => source.bytes = known.bytes.clone(),
            // That would be a fault of ours; whoever needs the file reads it.
            _ if source.bytes.is_empty() && source.hash != empty => return false,
            Some(known) => *known = source.clone(),
            None => _ = known.insert(source.path.clone(), source.clone()),
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(texts: &[(&str, &str)]) -> Vec<Source> {
        texts.iter().map(|(path, text)| Source::new(*path, text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_crosses_arrives_whole_and_known_bytes_do_not_cross() {
        let (mut ours, mut theirs) = (HashMap::new(), HashMap::new());
        let rounds = [
            (sources(&[("/a", "one"), ("/b", ""), ("/c", "x")]), 4),
            (sources(&[("/a", "one"), ("/b", ""), ("/c", "yy")]), 2),
            (sources(&[("/a", "one"), ("/b", "b"), ("/c", "yy")]), 1),
            (sources(&[("/b", ""), ("/d", "d")]), 1),
        ];
        for (sent, bytes) in rounds {
            let mut crossing = sent.clone();
            shorten(&mut ours, &mut crossing);
            assert_eq!(crossing.iter().map(|source| source.bytes.len()).sum::<usize>(), bytes);
            complete(&mut theirs, &mut crossing);
            assert_eq!(crossing, sent);
        }
    }

    #[test]
    fn a_content_that_is_not_there_after_all_is_left_out() {
        let mut crossing = sources(&[("/a", "one"), ("/b", "two")]);
        crossing[0].bytes = Arc::default();
        complete(&mut HashMap::new(), &mut crossing);
        assert_eq!(crossing, sources(&[("/b", "two")]));
    }
}
