//! The tools of a session. An invalid one has been answered with static instead of an error.

use super::checker::Checker;
use super::finding::Code;
use super::path::Path;
use serde_json::{Map, Value};

/// Checks `tools`.
pub(super) fn check(checker: &mut Checker, at: &Path, tools: &Value) {
    let Some(tools) = tools.as_array() else {
        return checker.wrong_type(at, "an array", tools, "send an array; [] clears the tools");
    };
    for (index, tool) in tools.iter().enumerate() {
        let at = at.item(index);
        if let Some(tool) = checker.object(&at, tool, "send an object") {
            check_tool(checker, &at, tool);
        }
    }
}

fn check_tool(checker: &mut Checker, at: &Path, tool: &Map<String, Value>) {
    match tool.get("type").and_then(Value::as_str) {
        Some("function") => check_function(checker, at, tool),
        Some("mcp") => check_mcp(checker, at, tool),
        None if !tool.contains_key("type") => {
            let problem = "a tool needs a type".to_owned();
            let mend = "add \"type\": \"function\" or \"mcp\"";
            checker.refuse(Code::Missing, at.key("type"), problem, mend);
        }
        _ => checker.word(at, tool, "type", &["function", "mcp"]),
    }
}

fn check_function(checker: &mut Checker, at: &Path, tool: &Map<String, Value>) {
    if tool.get("function").is_some_and(Value::is_object) {
        let problem = "that is the shape of another API".to_owned();
        let mend = "put name, description and parameters beside the type";
        return checker.refuse(Code::Unknown, at.key("function"), problem, mend);
    }
    let name = tool.get("name");
    if name.and_then(Value::as_str).is_none_or(str::is_empty) {
        let problem = "a function needs a name".to_owned();
        let code = match name {
            Some(_) => Code::InvalidValue,
            None => Code::Missing,
        };
        checker.refuse(code, at.key("name"), problem, "add one");
    }
    checker.text(at, tool, "description");
    if let Some(parameters) = tool.get("parameters") {
        let mend = "send a JSON Schema: {\"type\": \"object\", \"properties\": {}}";
        checker.object(&at.key("parameters"), parameters, mend);
    }
}

fn check_mcp(checker: &mut Checker, at: &Path, tool: &Map<String, Value>) {
    if !tool.contains_key("server_label") {
        let problem = "an MCP server needs a label".to_owned();
        checker.refuse(Code::Missing, at.key("server_label"), problem, "add one");
    }
    checker.text(at, tool, "server_label");
    let places = ["server_url", "connector_id", "tunnel_id"];
    if !places.iter().any(|place| tool.contains_key(*place)) {
        let problem = "nothing says where the server is".to_owned();
        let mend = "add server_url, connector_id or tunnel_id";
        checker.doubt(Code::Missing, at.key("server_url"), problem, mend);
    }
}

/// Checks `tool_choice`.
pub(super) fn check_choice(checker: &mut Checker, at: &Path, choice: &Value) {
    let mend = "it takes 'none', 'auto', 'required', or an object with a type";
    match choice {
        Value::String(_) => checker.one_of(at, choice, &["none", "auto", "required"]),
        Value::Object(object) => {
            checker.word(at, object, "type", &["function", "mcp"]);
        }
        _ => checker.wrong_type(at, "a string or an object", choice, mend),
    }
}
