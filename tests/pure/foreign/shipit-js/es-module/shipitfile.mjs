export default (shipit) => {
  shipit.initConfig({
    default: {
      repositoryUrl: 'git@git.example.org:glass/window.git',
      keepReleases: 2,
    },
    'pre-production': {
      servers: ['pane@glass.example.org'],
      deployTo: '/srv/window',
      branch: 'main',
    },
  });
  shipit.start(['build', 'upload']);
};
