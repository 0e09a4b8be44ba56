'use strict';

module.exports = function (shipit) {
  require('shipit-deploy')(shipit);
  require('shipit-wordpress')(shipit);

  shipit.initConfig({
    default: {
      deployTo: '/home/blog/theme',
      repositoryUrl: 'https://git.example.com/blog/theme.git',
      dirToCopy: 'dist',
      deleteOnRollback: false,
    },
    live: {
      servers: ['blog@www.example.com:2200'],
    },
  });

  shipit.task('build', ['clean'], function () {
    return shipit.local('gulp build', { cwd: shipit.workspace });
  });
};
