//! A section of the file: its keys are asked for one by one, what is left over is unknown.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::{Report, Wrong};
use super::values::Parsed;

/// A table of the file while it is read.
#[derive(Debug)]
pub(super) struct Section<'a> {
    path: String,
    at: Option<Range<usize>>,
    table: Option<&'a DeTable<'a>>,
    report: &'a Report<'a>,
    asked: Vec<&'static str>,
}

/// A value of the file, with its place.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    pub(super) key: String,
    pub(super) at: Range<usize>,
    pub(super) value: &'a DeValue<'a>,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: &'a DeTable<'a>, report: &'a Report<'a>) -> Self {
        Section {
            path: String::new(),
            at: None,
            table: Some(table),
            report,
            asked: Vec::new(),
        }
    }

    /// Whether the file has the section at all.
    pub(super) fn is_there(&self) -> bool {
        self.table.is_some()
    }

    /// The value of `key`, unread.
    pub(super) fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        let (name, value) = self.table?.get_key_value(key)?;
        Some(Item {
            key: self.key(key),
            at: name.span(),
            value: value.get_ref(),
        })
    }

    /// The value of `key`; a wrong one is told and left out.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&DeValue<'_>) -> Parsed<T>,
    ) -> Option<T> {
        let item = self.item(key)?;
        match parse(item.value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.report.error(Some(item.at), &item.key, wrong);
                None
            }
        }
    }

    /// As [`Section::value`]; `default` where it is absent or wrong.
    pub(super) fn value_or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl Fn(&DeValue<'_>) -> Parsed<T>,
    ) -> T {
        self.value(key, parse).unwrap_or(default)
    }

    /// As [`Section::value`]; its absence is an error too.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        mend: &str,
        parse: impl Fn(&DeValue<'_>) -> Parsed<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.asked.push(key);
            self.missing(key, mend);
        }
        self.value(key, parse)
    }

    /// The values of a list; wrong ones are told, each by itself, and left out.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&DeValue<'_>) -> Parsed<T>,
    ) -> Option<Vec<T>> {
        let item = self.item(key)?;
        let Some(list) = item.value.as_array() else {
            let wrong = Wrong::new(
                format!("{} where a list is due", item.value.type_str()),
                format!("write {key} = [...]"),
            );
            self.report.error(Some(item.at), &item.key, wrong);
            return None;
        };
        let mut values = Vec::new();
        for element in list.iter() {
            match parse(element.get_ref()) {
                Ok(value) => values.push(value),
                Err(wrong) => self.report.error(Some(element.span()), &item.key, wrong),
            }
        }
        Some(values)
    }

    /// The section below under `key`; an empty one where the file has none.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        let item = self.item(key);
        let mut section = Section {
            path: self.key(key),
            at: item.as_ref().map(|item| item.at.clone()),
            table: None,
            report: self.report,
            asked: Vec::new(),
        };
        if let Some(item) = item {
            section.table = item.value.as_table();
            if section.table.is_none() {
                let wrong = Wrong::new(
                    format!("{} where a section is due", item.value.type_str()),
                    format!("write [{}]", item.key),
                );
                self.report.error(Some(item.at), &item.key, wrong);
            }
        }
        section
    }

    /// The sections of an array of tables, `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(item) = self.item(key) else {
            return Vec::new();
        };
        let Some(list) = item.value.as_array() else {
            let wrong = Wrong::new(
                format!("{} where a list of sections is due", item.value.type_str()),
                format!("write [[{}]]", item.key),
            );
            self.report.error(Some(item.at), &item.key, wrong);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for element in list.iter() {
            match element.get_ref().as_table() {
                Some(table) => sections.push(Section {
                    path: item.key.clone(),
                    at: Some(element.span()),
                    table: Some(table),
                    report: self.report,
                    asked: Vec::new(),
                }),
                None => {
                    let wrong = Wrong::new(
                        format!("{} where a section is due", element.get_ref().type_str()),
                        format!("write [[{}]]", item.key),
                    );
                    self.report.error(Some(element.span()), &item.key, wrong);
                }
            }
        }
        sections
    }

    /// Tells that `key` is wrong, at its line if it has one, else at the section's.
    pub(super) fn error(&self, key: &str, message: impl Into<String>, mend: impl Into<String>) {
        let wrong = Wrong::new(message, mend);
        self.report.error(self.place(key), &self.key(key), wrong);
    }

    /// Tells that `key` deserves a look.
    pub(super) fn warning(&self, key: &str, message: impl Into<String>, mend: impl Into<String>) {
        let wrong = Wrong::new(message, mend);
        self.report.warning(self.place(key), &self.key(key), wrong);
    }

    /// Tells that `key` is not there.
    pub(super) fn missing(&self, key: &str, mend: &str) {
        self.error(key, "missing", mend);
    }

    /// Whether the file has `key` in this section.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for name in table.keys() {
            let key: &str = name.get_ref();
            if self.asked.contains(&key) {
                continue;
            }
            let mend = match super::values::closest(key, &self.asked) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            let shown = self.key(&key.escape_debug().to_string());
            let wrong = Wrong::new("unknown key", mend);
            self.report.error(Some(name.span()), &shown, wrong);
        }
    }

    fn place(&self, key: &str) -> Option<Range<usize>> {
        let named = self.table.and_then(|table| table.get_key_value(key));
        named
            .map(|(name, _)| name.span())
            .or_else(|| self.at.clone())
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}
