const odd = 'späti "am eck" $(id)';
module.exports = (shipit) => {
  require('shipit-deploy')(shipit);
  shipit.initConfig({
    default: {
      repositoryUrl: 'git@git.example.org:corner/shop.git',
      branch: 'main',
      deployTo: '/srv/' + odd,
      updateSubmodules: true,
      asUser: 'shop',
      shared: { files: ['conf/$(whoami).json', 'conf/naïve "x".json'], triggerEvent: false },
      onDone: () => console.log('done'),
    },
    production: { servers: ['shop@corner.example.org'] },
    empty: {},
  });
  ['lint', 'pack'].forEach((name) => shipit.task(name, () => {}));
};
