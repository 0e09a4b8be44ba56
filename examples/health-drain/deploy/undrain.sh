# Runs on the host. The balancer has noticed when requests come; when none do in 20 s, no client is asking. Until then the
# next host has to stay in service.
quiet() { curl -s -o /dev/null -m 5 -w '%{http_code}' http://127.0.0.1:3000/quiet || :; }

rm -f "$SHARED/drained"
sleep 3
tries=0
until [ "$(quiet)" = 503 ] || [ $tries -ge 20 ]; do
	tries=$((tries + 1))
	sleep 1
done
