server 'mill.example.org', user: 'miller', roles: %i[app]
