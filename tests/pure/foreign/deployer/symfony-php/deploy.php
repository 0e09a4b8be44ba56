<?php
declare(strict_types=1);

namespace Deployer;

require_once __DIR__ . '/vendor/deployer/deployer/recipe/symfony.php';

/* The team's own
   settings */
$name = "kalender";
set('application', $name);
set('repository', "https://git.example.net/termine/{$name}.git");
set('keep_releases', 4);
set('shared_dirs', array_merge(get('shared_dirs'), ['public/uploads']));
set('bin/php', function () {
    return which('php8.3');
});

host('production')
    ->setHostname('kalender.example.net')
    ->setRemoteUser('www')
    ->setPort(2222)
    ->setLabels(['stage' => 'production', 'zone' => 'eu'])
    ->set('branch', 'release')
    ->setDeployPath('/var/www/{{application}}');

host('staging')
    ->setHostname('test.kalender.example.net')
    ->setRemoteUser('www')
    ->setLabels(['stage' => 'staging'])
    ->set('branch', 'develop')
    ->set('http_user', 'www-data')
    ->setDeployPath('/var/www/{{application}}-{{alias}}');

task('deploy:cache', static fn () => run('bin/console cache:clear'));
