//! What pm2's templates hold until somebody fills it in.

/// Of the templates of all versions, and of its documentation.
const TEMPLATE: [&str; 6] = [
    "SSH_USERNAME",
    "SSH_HOSTMACHINE",
    "GIT_REPOSITORY",
    "DESTINATION_PATH",
    "212.83.163.1",
    "git@github.com:repo.git",
];

/// Whether a value is still that of a template.
pub(super) fn is_left(text: &str) -> bool {
    let text = text.trim();
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    TEMPLATE.contains(&text)
        || TEMPLATE[..5].contains(&host)
        || text == "repo.git"
        || text.starts_with("YOUR_")
}

/// What to write there.
pub(super) fn help(key: &str) -> &'static str {
    match key {
        "user" => "write the login on the hosts, for example user: 'deploy'",
        "host" => "write the hosts as after `ssh`, for example host: ['web1.example.com']",
        "repo" => "write what `git clone` takes, for example repo: 'git@github.com:acme/shop.git'",
        _ => "write the directory on the hosts, for example path: '/var/www/shop'",
    }
}
