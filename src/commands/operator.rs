//! Who starts this run, and where, as the environment says it: on a person's machine the login; in CI whoever started the job,
//! the branch, and the page of the job.

use crate::remote::by::By;

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a CI system says of a job: names of variables, the first that is set counts.
struct System {
    /// It is that one where one of these is set.
    marks: &'static [&'static str],
    actor: &'static [&'static str],
    branch: &'static [&'static str],
    job: &'static [&'static str],
}

/// The last stands for all that only say that they are one.
const SYSTEMS: [System; 11] = [
    // Forgejo and Gitea too. Of a pull request the branch that it comes from.
    System {
        marks: &["GITHUB_ACTIONS", "GITEA_ACTIONS", "FORGEJO_ACTIONS"],
        actor: &["GITHUB_ACTOR"],
        branch: &["GITHUB_HEAD_REF", "GITHUB_REF_NAME"],
        job: &[],
    },
    System {
        marks: &["GITLAB_CI"],
        actor: &["GITLAB_USER_LOGIN"],
        branch: &["CI_COMMIT_REF_NAME"],
        job: &["CI_JOB_URL"],
    },
    System {
        marks: &["JENKINS_URL"],
        actor: &["BUILD_USER_ID", "CHANGE_AUTHOR"],
        branch: &["BRANCH_NAME", "GIT_BRANCH"],
        job: &["BUILD_URL"],
    },
    System {
        marks: &["CIRCLECI"],
        actor: &["CIRCLE_USERNAME"],
        branch: &["CIRCLE_BRANCH", "CIRCLE_TAG"],
        job: &["CIRCLE_BUILD_URL"],
    },
    System {
        marks: &["BUILDKITE"],
        actor: &["BUILDKITE_BUILD_CREATOR"],
        branch: &["BUILDKITE_BRANCH"],
        job: &["BUILDKITE_BUILD_URL"],
    },
    System {
        marks: &["TF_BUILD"],
        actor: &["BUILD_REQUESTEDFOR"],
        branch: &["BUILD_SOURCEBRANCHNAME"],
        job: &[],
    },
    System {
        marks: &["BITBUCKET_BUILD_NUMBER"],
        actor: &[],
        branch: &["BITBUCKET_BRANCH", "BITBUCKET_TAG"],
        job: &[],
    },
    System {
        marks: &["CI_SYSTEM_NAME", "WOODPECKER"],
        actor: &["CI_COMMIT_AUTHOR", "CI_PIPELINE_AUTHOR"],
        branch: &["CI_COMMIT_BRANCH", "CI_COMMIT_TAG"],
        job: &["CI_PIPELINE_URL"],
    },
    System {
        marks: &["DRONE"],
        actor: &["DRONE_COMMIT_AUTHOR"],
        branch: &["DRONE_BRANCH"],
        job: &["DRONE_BUILD_LINK"],
    },
    System { marks: &["TRAVIS"], actor: &[], branch: &["TRAVIS_BRANCH"], job: &["TRAVIS_BUILD_WEB_URL"] },
    System { marks: &["CI"], actor: &[], branch: &[], job: &["CI_JOB_URL", "BUILD_URL"] },
];

/// Puts in what the CI system says, if this runs in one.
pub(super) fn in_ci(mut by: By, lookup: Lookup<'_>) -> By {
    let set = |name: &&str| lookup(name).filter(|value| !value.trim().is_empty());
    let is_on = |name: &&str| set(name).is_some_and(|value| value != "false" && value != "0");
    let Some(system) = SYSTEMS.iter().find(|system| system.marks.iter().any(&is_on)) else {
        return by;
    };
    let first = |names: &[&str]| names.iter().find_map(set);
    if let Some(actor) = first(system.actor) {
        by.user = actor;
    }
    by.branch = first(system.branch);
    by.job = first(system.job).or_else(|| composed(lookup));
    by
}

// The page of a job, where no variable has it whole.
fn composed(lookup: Lookup<'_>) -> Option<String> {
    let github = || {
        let (server, repository) = (lookup("GITHUB_SERVER_URL")?, lookup("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", lookup("GITHUB_RUN_ID")?))
    };
    let azure = || {
        let (server, project) =
            (lookup("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")?, lookup("SYSTEM_TEAMPROJECT")?);
        Some(format!("{server}{project}/_build/results?buildId={}", lookup("BUILD_BUILDID")?))
    };
    let bitbucket = || {
        let (origin, build) = (lookup("BITBUCKET_GIT_HTTP_ORIGIN")?, lookup("BITBUCKET_BUILD_NUMBER")?);
        Some(format!("{origin}/pipelines/results/{build}"))
    };
    github().or_else(azure).or_else(bitbucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> (String, Option<String>, Option<String>) {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let by = in_ci(By { user: "root".into(), machine: "vm".into(), ..By::default() }, &lookup);
        (by.name(), by.branch, by.job)
    }

    #[test]
    fn a_job_of_ci_is_that_of_a_person_on_a_branch() {
        let some = |text: &str| Some(text.to_owned());
        let github = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_HEAD_REF", ""),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ID", "42"),
        ];
        let page = some("https://github.com/acme/shop/actions/runs/42");
        assert_eq!(found(&github), ("octocat".into(), some("main"), page.clone()));
        let mut pull_request = github;
        pull_request[3].1 = "fix/tax";
        assert_eq!(found(&pull_request), ("octocat".into(), some("fix/tax"), page));
        let gitlab = [
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("GITLAB_USER_LOGIN", "ann"),
            ("CI_COMMIT_REF_NAME", "main"),
            ("CI_JOB_URL", "https://gitlab.com/acme/shop/-/jobs/7"),
        ];
        assert_eq!(
            found(&gitlab),
            ("ann".into(), some("main"), some("https://gitlab.com/acme/shop/-/jobs/7"))
        );
        let other = [("CI", "1"), ("BUILD_URL", "https://ci/1")];
        assert_eq!(found(&other), ("root".into(), None, some("https://ci/1")));
        assert_eq!(found(&[("CI", "1")]), ("root@vm".into(), None, None));
        assert_eq!(found(&[("GITHUB_ACTOR", "octocat"), ("CI", "false")]), ("root@vm".into(), None, None));
    }
}
