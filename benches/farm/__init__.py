"""The farm: many real sshds on one machine, and an app to deploy to them."""
