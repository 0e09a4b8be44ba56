server "oven1.example.org", user: "baker", roles: %w{app db web}, primary: true
server "oven2.example.org", user: "baker", roles: %w{app web}
