#!/bin/sh
# hook STEP: what every hook and the supervisor do on the hosts of this suite. It writes down who ran when and what signals
# were ignored; `~/fail.STEP` holds the actions in which it fails; what runs is what was there at the last reload.
step=$1
read -r up _ </proc/uptime
while read -r key value; do
	[ "$key" != SigIgn: ] || ignored=$value
done <"/proc/$$/status"
app=${SHARED%/shared}
app=${app##*/}
echo "$up $app $step $SHIPIT_ACTION $SHIPIT_RELEASE $ignored" >>"$HOME/order"
sleep 0.05
while [ -e "$HOME/hold.$step" ]; do sleep 0.05; done
fails=
[ ! -e "$HOME/fail.$step" ] || fails=$(cat "$HOME/fail.$step")
case " $fails " in
*" $SHIPIT_ACTION "*) fails=yes ;;
*) fails= ;;
esac
case $step in
drain) touch "$HOME/out.$app" ;;
undrain) [ -n "$fails" ] || rm -f "$HOME/out.$app" ;;
reload)
	# On a first deploy there was nothing to drain.
	[ "$app" != web ] || [ -z "$SHIPIT_PREVIOUS_REVISION" ] || [ -e "$HOME/out.$app" ] || echo undrained >>"$HOME/order"
	# On the way back it does nothing at all; on the way there it fails when it has begun.
	[ -z "$fails" ] || [ "$SHIPIT_ACTION" != rollback ] || exit 3
	here=$(pwd -P)
	echo "${here##*/}" >"$HOME/running.$app.new" && mv "$HOME/running.$app.new" "$HOME/running.$app"
	;;
stop) [ -n "$fails" ] || rm -f "$HOME/running.$app" ;;
verify)
	here=$(pwd -P)
	[ "$(cat "$HOME/running.$app")" = "${here##*/}" ] || exit 4
	;;
esac
[ -z "$fails" ] || exit 3
