<?php

namespace Deployer;

require 'recipe/laravel.php';
require 'contrib/npm.php';

// Config

set('application', 'letterbox');
set('repository', 'git@git.example.org:post/letterbox.git');
set('branch', getenv('DEPLOY_BRANCH') ?: 'main');

add('shared_files', ['auth.json']);
add('shared_dirs', ['public/media']);
add('writable_dirs', ['public/media']);

// Hosts

host('letters.example.org')
    ->set('remote_user', 'postmaster')
    ->set('deploy_path', '~/{{application}}')
    ->setIdentityFile('~/.ssh/letterbox')
    ->setForwardAgent(true);

// Hooks

desc('Builds the assets');
task('build', function () {
    cd('{{release_path}}');
    run('npm ci && npm run build');
});

after('deploy:vendors', 'build');
after('deploy:failed', 'deploy:unlock');
