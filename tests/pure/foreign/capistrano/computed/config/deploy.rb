lock '3.17.0'

app = "it's \"quoted\"".delete('"')
org = 'mill'
set :application, "grinder"
set :repo_url, "git@git.example.org:#{org}/#{fetch(:application)}.git"
set :branch, fetch(:branch, 'main')

if ENV['OLD_HOSTS']
  server 'old.example.org', user: 'miller'
  append :linked_files, 'config/old.yml'
else
  server 'new.example.org', user: 'miller'
end

set :linked_dirs, Dir['shared/*']
