set :application, 'garden'
set :repo_url, 'git@git.example.com:green/garden.git'
set :stages, %w(production)
set :tmp_dir, '/home/gardener/tmp'

=begin
server 'never.example.com', user: 'nobody'
=end

server 'gardener@plants.example.com:2200', roles: %w[web]

on_fire = <<~TEXT
  server 'also-never.example.com'
TEXT

namespace :npm do
  task :build do
    run_locally { execute 'npm ci && npm run build' }
  end
end
before 'deploy:updated', 'npm:build'
__END__
server 'still-never.example.com'
