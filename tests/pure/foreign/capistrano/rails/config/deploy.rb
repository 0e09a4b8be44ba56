# config valid for current version and patch releases of Capistrano
lock "~> 3.18.0"

set :application, "bakery"
set :repo_url, "git@git.example.org:crumbs/bakery.git"

# Default branch is :master
set :branch, ENV.fetch("BRANCH", "main")

set :deploy_to, "/srv/#{fetch(:application)}"
set :rbenv_type, :user
set :rbenv_ruby, File.read(".ruby-version").strip
set :format_options, command_output: true, log_file: "log/capistrano.log", color: :auto

append :linked_files, "config/database.yml", "config/master.key"
append :linked_dirs, "log", "tmp/pids", "tmp/cache", "tmp/sockets",
       "public/system", "vendor", "storage"

set :default_env, { path: "/opt/ruby/bin:$PATH" }
set :keep_releases, 8

namespace :deploy do
  desc "Tell the team"
  task :tell do
    on roles(:app) do |host|
      execute :curl, "-fsS", "https://chat.example.org/hook"
    end
  end

  after :finished, :tell
end
