//! What users are given holds what it says: examples and the template are planned, one is deployed, and the page on
//! `shipit.toml` has the keys of the program. Other documents: `documents.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Kind, World};
use shipit::config;
use shipit::plan::{self, Options};

pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Plans everything that can be done with each environment of a file, and names the environments.
pub(crate) fn plan_all(file: &Path) -> Vec<String> {
    let names = config::environments(file).unwrap_or_else(|error| panic!("{error}"));
    for name in &names {
        let mut environment = config::load(file, name).unwrap_or_else(|error| panic!("{error}"));
        let mut answers = config::Answers::default();
        for command in environment.env_commands() {
            answers.insert(&command, Ok("a secret of the operator".into()));
        }
        environment.answer(&answers).unwrap();
        let lookup = |_: &str| Some("a secret of the operator".to_owned());
        let env =
            environment.sites.iter().map(|site| environment.evaluate_env(site, &lookup).unwrap()).collect();
        let options = Options { env, ..Options::default() };
        for make in [plan::deploy, plan::setup, plan::revert] {
            let plan = make(environment.clone(), &options);
            assert!(!plan.stages.is_empty());
            let text = plan::show(&plan, false);
            assert!(!text.contains("a secret of the operator"), "{text}");
        }
    }
    names
}

#[test]
fn every_example_can_be_planned_and_is_listed() {
    let list = fs::read_to_string(root("examples/README.md")).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(root("examples")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        assert!(!plan_all(&entry.path().join("shipit.toml")).is_empty());
        let name = entry.file_name().into_string().unwrap();
        assert!(list.contains(&format!("({name}/shipit.toml)")), "{name} is missing from the list");
        seen += 1;
    }
    assert_eq!(seen, list.matches("/shipit.toml)").count());
}

#[test]
fn the_template_can_be_planned_with_all_that_is_commented_out() {
    assert_eq!(plan_all(&root("templates/shipit.toml")), ["production"]);
    let text = fs::read_to_string(root("templates/shipit.toml")).unwrap();
    let is_key = |line: &&str| line.starts_with("# ") && line.contains(" = ");
    let keys: Vec<&str> = text.lines().filter(is_key).map(|line| line.trim_start_matches("# ")).collect();
    assert!(keys.len() > 5, "{keys:?}");
    let (env, own): (Vec<&str>, Vec<&str>) = keys.into_iter().partition(|key| key.contains("DATABASE_URL"));
    let with =
        text.replacen("[deploy.production]\n", &format!("[deploy.production]\n{}\n", own.join("\n")), 1);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(
        &file,
        format!("{with}\n[deploy.production.env]\n{}\n", env.join("\n")).replacen(
            "[deploy.production.env]\nNODE_ENV = \"production\"\n",
            "",
            1,
        ),
    )
    .unwrap();
    assert_eq!(plan_all(&file), ["production"]);
}

#[test]
fn the_localhost_example_is_deployed_without_ssh() {
    let world = World::new(Kind::InProcess, 0);
    let example = root("examples/localhost");
    let page = fs::read_to_string(example.join("public/index.html")).unwrap();
    let toml = fs::read_to_string(example.join("shipit.toml")).unwrap();
    assert!(toml.contains("\"/tmp/hello.git\""));
    let toml = toml.replace("/tmp/hello.git", &world.repo.url());
    world.repo.publish(&[("public/index.html", &page), ("shipit.toml", &toml)]);
    world.shipit(&["here", "setup"]).ends_with(0);
    let run = world.shipit(&["here", "--force"]).ends_with(0);
    assert!(run.stderr.contains(&format!("serving {}", world.repo.head())), "{run}");
    let served = fs::read_to_string(world.home().join("shipit-hello/current/public/index.html")).unwrap();
    assert_eq!(served, page.replace("GREETING", "hello"));
    world.repo.publish(&[("public/index.html", "bad\n")]);
    world.shipit(&["here"]).ends_with(5);
    assert_eq!(
        fs::read_to_string(world.home().join("shipit-hello/current/public/index.html")).unwrap(),
        served
    );
}

/// The page on the file.
fn page() -> String {
    fs::read_to_string(root("docs/shipit.toml.md")).unwrap()
}

#[test]
fn keys_in_the_pages_tables_are_known_and_all_that_are_known_are_there() {
    let text = page();
    let tables: Vec<&str> = text
        .split("\n\n")
        .filter(|block| block.starts_with("| key ") || block.starts_with("| hook "))
        .collect();
    let rows = tables.iter().flat_map(|table| table.lines()).filter(|line| line.starts_with("| `"));
    let cells: Vec<&str> =
        rows.map(|row| row.trim_start_matches("| ").split(" | ").next().unwrap()).collect();
    assert!(cells.len() > 15, "{cells:?}");
    let is_known_in = |table: &str, key: &str| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shipit.toml");
        // a value of no right type: a known key is told apart by what is said of it
        fs::write(&file, format!("{table}\n{key} = 1979-05-27\n[deploy.a]\n")).unwrap();
        let error = config::load(&file, "a").unwrap_err().to_string();
        ![format!("unknown key `{key}`"), format!("`{key}` is not yet")]
            .iter()
            .any(|words| error.contains(words))
    };
    let is_known = |key: &str| is_known_in("[defaults]", key) || is_known_in("[apps.a]", key);
    for key in cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        assert!(is_known(key), "{key}");
    }
    assert!(!is_known("keep-relases") && !is_known("forward"));
    let schema: serde_json::Value = serde_json::from_str(&config::schema()).unwrap();
    let environment = &schema["properties"]["defaults"];
    let name = environment["$ref"].as_str().map(|name| name.trim_start_matches('#').to_owned());
    let known = name.map_or(environment, |name| schema.pointer(&name).unwrap());
    let of_apps = schema["$defs"]["app"]["properties"].as_object().unwrap().keys();
    for key in known["properties"].as_object().unwrap().keys().chain(of_apps) {
        assert!(cells.iter().any(|cell| cell.contains(&format!("`{key}`"))), "{key} is in no table");
    }
}
