# Runs on the host. The balancer notices when its second check failed; how soon that is, only its requests tell: they end.
# A service that does not run (000) has none.
quiet() { curl -s -o /dev/null -m 5 -w '%{http_code}' http://127.0.0.1:3000/quiet || :; }

touch "$SHARED/drained"
sleep 3
while [ "$(quiet)" = 503 ]; do sleep 0.5; done
