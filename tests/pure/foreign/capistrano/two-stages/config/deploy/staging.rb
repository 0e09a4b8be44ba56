ask :branch, 'develop'
set :keep_releases, 2
remove :linked_dirs, 'public/uploads'
server 'stage.example.net', user: 'tester', roles: [:app, :web, :db], ssh_options: { port: 22 }
