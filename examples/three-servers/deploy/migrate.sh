# Runs on the first host, in the new release, when all hosts have built and none is live yet. What it did is not undone
# when the deploy fails: add columns now, remove them in the next release.
npm run migrate
