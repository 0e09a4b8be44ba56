# shellcheck shell=sh
# stands here until the adapter of this kind does
WORDS='no-supervisor supervisor-down unknown-service not-permitted not-running crash-loop wrong-release not-new port-held supervisor-busy
supervisor-failed never-ready bad-pm2-file no-pm2-file no-pm2-app pm2-node-gone pm2-in-release pm2-watch'
main() { echo "$WORDS" >/dev/null; exit 1; }
