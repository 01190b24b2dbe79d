//! As much of Markdown as our documents use: fenced blocks, tables, words in backticks.

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands behind the fence: the language, and what the block is for.
    pub(crate) info: String,
    pub(crate) text: String,
}

impl Block {
    /// The value of `key=value` in the info.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.info.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }
}

/// The fenced blocks, in order.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                blocks.push(Block { info: info.to_owned(), text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "a fence is not closed");
    blocks
}

/// The one block whose info is `info`.
pub(crate) fn block(markdown: &str, info: &str) -> String {
    let mut found: Vec<Block> =
        blocks(markdown).into_iter().filter(|block| block.info == info).collect();
    assert_eq!(found.len(), 1, "blocks with the info {info:?}");
    found.remove(0).text
}

/// The text below the heading `title`, to the next heading of its level or above.
pub(crate) fn section<'a>(markdown: &'a str, title: &str) -> &'a str {
    let start = markdown.find(&format!("\n{title}\n")).unwrap_or_else(|| panic!("no {title:?}"));
    let body = &markdown[start + title.len() + 2..];
    let level = title.split(' ').next().unwrap().len();
    let end = (1..=level).filter_map(|level| body.find(&format!("\n{} ", "#".repeat(level)))).min();
    &body[..end.unwrap_or(body.len())]
}

/// The cells of the rows of the tables in `text`, without head and rule.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in text.split("\n\n").filter(|part| part.contains("\n|---")) {
        let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
        rows.extend(lines.map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        }));
    }
    rows
}

/// What stands in backticks outside of fenced blocks.
pub(crate) fn quoted(markdown: &str) -> Vec<String> {
    let prose: String = markdown.split("\n```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
