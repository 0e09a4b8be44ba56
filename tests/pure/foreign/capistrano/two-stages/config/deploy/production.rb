set :branch, 'stable'
role :app, %w{fahrer@rail1.example.net fahrer@rail2.example.net}
role :web, %w{fahrer@rail1.example.net}
role :db,  %w{fahrer@rail1.example.net}

# The search host gets no code.
server 'search.example.net', user: 'fahrer', roles: %w{search}, no_release: true
