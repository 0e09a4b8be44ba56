server "uhr.example.org",
  user: "zeiger",
  roles: %w[app],
  password: "hunter2",
  my_property: :my_value
