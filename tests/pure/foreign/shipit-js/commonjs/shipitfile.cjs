const { readFileSync } = require('fs');
const { version } = JSON.parse(readFileSync(require('path').join(__dirname, 'package.json'), 'utf8'));

module.exports.default = async shipit => {
  require('shipit-deploy')(shipit);
  const servers = await Promise.resolve(['10.0.0.5', '10.0.0.6']);
  shipit.initConfig({
    default: { deployTo: '/opt/relay', repositoryUrl: 'ssh://git@git.example.org/relay.git', branch: `v${version}` },
    production: { servers, rsync: ['--del'] },
  });
};
