//! The keys of `watch.toml`, table by table, and what to say about one that is not among them.

use toml::de::DeValue;

use super::section::in_order;

/// The keys of one kind of table.
pub(super) struct Keys {
    title: &'static str,
    pub(super) keys: &'static [&'static str],
}

pub(super) const TOP: Keys =
    Keys { title: "", keys: &["paths", "shared", "python", "watch", "reload", "plugins"] };

pub(super) const WATCH: Keys =
    Keys { title: "[watch]", keys: &["ignore", "gitignore", "settle_ms", "poll"] };

pub(super) const RELOAD: Keys = Keys {
    title: "[reload]",
    keys: &["timeout", "shutdown_timeout", "mode", "isolation", "preload"],
};

pub(super) const PLUGIN: Keys = Keys {
    title: "[plugins.\"ID\"]",
    keys: &["enabled", "activation", "timeout", "isolation", "configuration", "limits", "sandbox"],
};

impl Keys {
    /// The known key that `name` looks like.
    pub(super) fn nearest(&self, name: &str) -> Option<&'static str> {
        let name = name.to_lowercase().replace('-', "_");
        let scored = self.keys.iter().map(|key| (strsim::jaro_winkler(&name, key), *key));
        let best = scored.max_by(|one, other| one.0.total_cmp(&other.0));
        best.filter(|(score, _)| *score >= 0.8).map(|(_, key)| key)
    }

    /// What to do about the key `name`, which this table does not know.
    pub(super) fn advice(&self, name: &str) -> String {
        let tables = [TOP, WATCH, RELOAD, PLUGIN];
        let home = tables.iter().find(|table| table.keys.contains(&name)).map(|table| table.title);
        match (home, self.nearest(name)) {
            // What stands below a [section] header belongs to that section, which may surprise.
            (Some(""), _) => "it belongs at the top of the file, before any [section]".to_owned(),
            (Some(title), _) => format!("it belongs in {title}"),
            (None, Some(nearest)) => format!("did you mean `{nearest}`?"),
            (None, None) => format!("known keys are `{}`", self.keys.join("`, `")),
        }
    }
}

/// `[plugins.com.example.clock]` without quotes means nested tables, not one id. The advice, if
/// `value` under the unknown key `name` of the plugin `id` looks like that.
pub(super) fn unquoted_id<'a>(id: &str, name: &str, mut value: &'a DeValue<'a>) -> Option<String> {
    let mut id = format!("{id}.{name}");
    if !value.is_table() {
        return None;
    }
    while let DeValue::Table(table) = value
        && let Some((key, next)) = in_order(table).next()
        && next.get_ref().is_table()
        && !PLUGIN.keys.contains(&key.get_ref().as_ref())
    {
        id = format!("{id}.{}", key.get_ref());
        value = next.get_ref();
    }
    Some(format!("an id with dots needs quotes: [plugins.\"{id}\"]"))
}
