# encoding: utf-8
lock '3.11.0'

set :application, 'fahrplan'
set :repo_url, 'https://git.example.net/öpnv/fahrplan.git'
set :scm, :git
set :deploy_to, -> { "/home/#{fetch(:user)}/apps/#{fetch(:application)}_#{fetch(:stage)}" }
set :user, 'fahrer'
set :log_level, :info
set :pty, true

set :ssh_options, {
  keys: %w(~/.ssh/fahrplan_ed25519),
  forward_agent: false,
  port: 2022
}

set :linked_files, fetch(:linked_files, []).push('.env')
set :linked_dirs, fetch(:linked_dirs, []).push('log', 'tmp/pids').concat(%w[public/uploads])
