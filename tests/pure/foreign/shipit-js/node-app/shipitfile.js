module.exports = shipit => {
  require('shipit-deploy')(shipit);
  require('shipit-shared')(shipit);
  require('shipit-npm')(shipit);

  const appName = 'tides';

  shipit.initConfig({
    default: {
      workspace: '/tmp/tides',
      deployTo: `/srv/${appName}`,
      repositoryUrl: 'git@git.example.org:coast/tides.git',
      ignores: ['.git', 'node_modules'],
      keepReleases: 3,
      shallowClone: true,
      key: '~/.ssh/tides',
      shared: {
        overwrite: true,
        dirs: ['uploads', { path: 'logs', overwrite: false, chmod: '-R 755' }],
        files: ['.env'],
      },
    },
    staging: {
      servers: 'tides@test.example.org',
      branch: 'develop',
    },
    production: {
      servers: [
        { host: 'tides1.example.org', user: 'tides', role: 'web' },
        { host: 'tides2.example.org', user: 'tides', port: 2222, role: ['web', 'worker'] },
      ],
      branch: 'main',
    },
  });

  shipit.on('deployed', () => {
    shipit.start('reload');
  });

  shipit.blTask('reload', async () => {
    await shipit.remote(`cd ${shipit.config.deployTo}/current && pm2 reload ecosystem.config.js`);
  });
};
