<?php
namespace Deployer;

require 'recipe/common.php';

// Deployer 6
set('repository', 'git@git.example.org:attic/trunk.git');
set('git_tty', true);
set('allow_anonymous_stats', false);
set('shared_files', array('config/local.ini'));
set('shared_dirs', array(
    'data', // customers
    'logs',
));

host('attic1.example.org', 'attic2.example.org')
    ->stage('live')
    ->user('trunk')
    ->port(22)
    ->roles('app', 'web')
    ->identityFile('~/.ssh/id_rsa')
    ->set('deploy_path', '/opt/trunk')
    ->set('branch', 'master');

if (getenv('WITH_CELLAR')) {
    host('cellar.example.org')->stage('live');
}

localhost()
    ->stage('local')
    ->set('branch', 'master')
    ->set('deploy_path', '/tmp/trunk');

task('reload:php-fpm', function () {
    run("sudo systemctl reload php-fpm; echo 'a;b' \"{{release_path}}\"");
});
task('deploy', [
    'deploy:info',
    'deploy:prepare',
    'deploy:symlink',
    'cleanup',
]);
after('deploy', 'reload:php-fpm');
