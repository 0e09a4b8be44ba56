lock "~> 3.16"
set :application, %q{o'clock}
set :repo_url, "ssh://git@git.example.org/zeit/uhr.git"
set :branch, %q(release/"$(date)")
set :deploy_to, "/var/www/späti \"am eck\""
set :linked_files, ["config/a b.yml", "config/$(id).yml", "config/naïve.yml"]
set :linked_dirs, %w[log log tmp/pids]
set(:keep_releases, 3)
