#!/bin/bash
# The case of March 2026, live: an agent's answer in a forum is recorded as advice, an employee who
# is logged in by ssh types a variant of it, and nobody approves. Then the same with an approval, and
# the same change without any advice. In a Debian 12 booted in systemd-nspawn, with the service, the
# notifier and a receiver of webhooks on the loopback address.
#
# usage: march.sh [BUILD]     (root; BUILD holds the release binaries, .build/release by default)
#
# See container.sh for what is kept and what is not.
# shellcheck disable=SC2317,SC2329  # check and until_true call functions by name
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${1:-.build/release}
. Tests/EndToEnd/container.sh
# Long enough to read a code and type it in, with a machine that is busy besides.
ttl=15

prepare_tree
inbox=$work/inbox
mkdir "$inbox"
echo 127.0.0.1 localhost >"$tree/etc/hosts"
install -m 440 /dev/stdin "$tree/etc/sudoers.d/ann" <<<'ann ALL=(ALL) NOPASSWD: ALL'
for folder in payroll reports bonuses drafts; do
  install -d -m 750 "$tree/srv/$folder"
  (cd "$tree/srv/$folder" && umask 027 && seq -f 'file-%g' 3000 | xargs touch)
done
(umask 077 && echo "whsec_$(head -c 32 /dev/urandom | base64 -w 0)" >"$work/secret")
install -m 600 "$work/secret" "$tree/etc/grantwatch/inbox.secret"
install -D -m 644 /dev/stdin "$tree/etc/systemd/system/grantwatch-notify.service.d/secret.conf" <<'END'
[Service]
LoadCredential=inbox:/etc/grantwatch/inbox.secret
END
enforce <<END
[Approval]
Approvers=ann carol
Authenticate=code

[Rule agents]
Provenance=agent-executed agent-advised
TTL=${ttl}s
OnDeadline=revoke
END


receiver=
end_march() {
  [[ -z $receiver ]] || kill "$receiver" 2>/dev/null || true
  clean
}
trap end_march EXIT
boot
nsenter -t "$leader" -n -- "$(command -v python3)" Tests/EndToEnd/webhook-receiver.py \
  "$work/secret" "$inbox" >"$work/receiver.log" 2>&1 &
receiver=$!
check "a receiver of webhooks listens in there" until_true 10 test -s "$inbox/port"
install -m 644 /dev/stdin "$tree/etc/grantwatch/webhooks.d/inbox.conf" <<END
[Webhook]
URL=http://127.0.0.1:$(cat "$inbox/port")/hook
Format=cloudevents
Events=*
SecretFile=inbox
END
inside systemctl daemon-reload
check "the service starts" inside systemctl start grantwatchd.service
check "the notifier starts" inside systemctl start grantwatch-notify.service
((failed == 0)) || finish


inside useradd -m forum
check "ann logs in by ssh" login ann
check "carol logs in by ssh" login carol


list() { inside grantctl -o json list; }
grant() { # OBJECT: a filter for the one grant
  echo "[.[] | select(.standing == false and .object == \"$1\")] |
    if length == 1 then .[0] else error(\"\\(length) grants\") end"
}
id_of() { list | jq -r "$(grant "$1") | .id"; }
has() { json "$(grant "$1") | $2" list; } # OBJECT FILTER
advise() { # FOLDER: the answer is posted, and comes here as advice; prints its id
  inside runuser -u forum -- grantctl -o json advice add --agent forum-helper --audience ann \
    --url https://forum.example/t/4711 <<END | jq -r .id
The nightly import cannot read its files because the permissions are too tight. Run this once and
it will work:

\`\`\`
sudo chmod -R 777 $1
\`\`\`
END
}
# Other words, the same effect. Without process events chmod may be gone before anybody can look at
# its parents; then sudo's record says whose it was.
variant() { types ann "sudo find $1 -exec chmod a+rwx {} +"; }
delivery() { # ID TYPE: the webhook about a grant, once it has come
  local file
  for file in "$inbox"/*.json; do
    jq -e --arg id "$1" --arg type "io.grantwatch.$2" \
      'select(.type == $type and .subject == $id)' "$file" 2>/dev/null && return
  done
  echo "no $2 about $1 among: $(jq -r '"\(.type) \(.subject)"' "$inbox"/*.json | xargs)"
  return 1
}
modes_are() { # FOLDER FILE-MODE FOLDER-MODE
  is "$(find "$tree$1" -type f ! -perm "$2" | wc -l)" 0 && is "$(stat -c %a "$tree$1")" "$3"
}
expired() { has "$1" '.state == "ended" and .endedBy == "expired"'; }


# 1. Nobody approves.
advice=$(advise /srv/payroll)
check "the forum's answer is on record" json \
  '.agent == "forum-helper" and .audience == "ann" and .url == "https://forum.example/t/4711" and
   (.changes | length == 1) and .changes[0].object == "file:/srv/payroll"' \
  inside grantctl -o json advice show "$advice"
check "ann types a variant of it in her own session" variant /srv/payroll
check "everybody can read the payroll" modes_are /srv/payroll 777 777
check "it is a grant on the agent's advice, strong" until_true 10 has file:/srv/payroll \
  ".provenance == \"agent-advised\" and .confidence == \"strong\" and .advice == \"$advice\" and
   .agent.name == \"forum-helper\" and .actor.loginUser == \"ann\" and .subject == \"everyone\" and
   .items == 3001 and .expiresAt != null"
payroll=$(id_of file:/srv/payroll) || payroll=none
check "the alert arrives" until_true 10 delivery "$payroll" grant.detected
# Two seconds are the act's; the rest is the way to the receiver.
check "at once" json '(.time | sub("\\.[0-9]+"; "") | fromdate) -
  (.data.grant.grantedAt | sub("\\.[0-9]+"; "") | fromdate) | . >= 0 and . <= 5' \
  delivery "$payroll" grant.detected
check "it names agent, advice, human and object, and brings a code" json \
  ".data.grant.agent.name == \"forum-helper\" and .data.grant.advice == \"$advice\" and
   .data.grant.actor.loginUser == \"ann\" and .data.code != null and
   (.data.text | contains(\"ann\") and contains(\"forum-helper\") and contains(\"/srv/payroll\"))" \
  delivery "$payroll" grant.detected
check "explain shows the sum of the factors" json \
  ".verdict == \"agent-advised\" and (.because | any(contains(\"$advice\") and contains(\"score\")))" \
  inside grantctl -o json explain "$payroll"
check "it expires at the deadline" until_true $((ttl + 20)) expired file:/srv/payroll
check "every mode is what it was" modes_are /srv/payroll 640 750
check "the alert about that arrives" until_true 10 delivery "$payroll" grant.expired
check "exposure: as long as the deadline and a moment, with its bounds" json \
  ".activeSeconds >= $ttl and .activeSeconds <= $ttl + 3 and
   .activeSecondsMin <= .activeSeconds and .activeSeconds <= .activeSecondsMax and
   .activeSecondsMax <= $ttl + 5" inside grantctl -o json show "$payroll"


# 2. The same, and somebody else approves it with the code from the webhook.
advice=$(advise /srv/reports)
check "ann types another variant" variant /srv/reports
check "it is on the agent's advice too" until_true 10 has file:/srv/reports \
  ".provenance == \"agent-advised\" and .advice == \"$advice\" and .state == \"active\""
reports=$(id_of file:/srv/reports) || reports=none
check "the code arrives" until_true 10 delivery "$reports" grant.detected
code=$(delivery "$reports" grant.detected | jq -r .data.code) || code=000-000
approval="grantctl approve $reports --for 1h --reason 'the auditors need it' --code"
approves() { types "$1" "$approval $2"; } # USER CODE
refused() { ! approves "$1" "$2" && has file:/srv/reports '.state == "active"'; }
check "ann cannot approve what she did, not even with the code" refused ann "$code"
check "a made-up code approves nothing" refused carol 222-222
check "carol types the code" approves carol "$code"
check "it is approved, with the code as proof" has file:/srv/reports \
  '.state == "approved" and .approval.by == "carol" and .approval.proof == "code" and
   .approval.reason == "the auditors need it"'
check "the approval is told of" until_true 10 delivery "$reports" approval.given


# 3. The same while the service stands still, so that nobody can look at a process.
advice=$(advise /srv/bonuses)
inside systemctl kill --kill-whom=main --signal=STOP grantwatchd.service
check "ann types a third variant, and nobody looks" variant /srv/bonuses
inside systemctl kill --kill-whom=main --signal=CONT grantwatchd.service
check "sudo's record says that it is hers" until_true 10 has file:/srv/bonuses \
  ".provenance == \"agent-advised\" and .confidence == \"strong\" and .advice == \"$advice\" and
   .actor.loginUser == \"ann\" and .items == 3001 and .expiresAt != null and
   (.evidence | any(.source == \"journal\" and (.text | contains(\"sudo\"))))"
bonuses=$(id_of file:/srv/bonuses) || bonuses=none
check "what is known of her is in the alert" until_true 10 json \
  '.data.grant.actor.loginUser == "ann" and .data.grant.agent.name == "forum-helper"' \
  delivery "$bonuses" grant.detected
check "it expires as the first did" until_true $((ttl + 20)) expired file:/srv/bonuses


# 4. The same change, and no agent had said a word about it. The process that makes it is there to be
# looked at, for only its parents show that no agent is behind it.
own="perl -e 'chmod 0777, @ARGV; sleep 2' /srv/drafts /srv/drafts/*"
check "ann does the same to a folder that no advice names" types ann "sudo sh -c \"$own\""
check "it is ann's own" until_true 10 has file:/srv/drafts \
  '.provenance == "human" and .agent == null and .advice == null and
   .actor.loginUser == "ann" and .expiresAt == null'
drafts=$(id_of file:/srv/drafts) || drafts=none

past() { # ID: what was its deadline has passed
  inside grantctl -o json show "$1" | jq -e ".activeSeconds > $ttl + 3" >/dev/null
}
check "after the time in which it would have ended" until_true $((ttl + 10)) past "$drafts"
check "the approved one stays" has file:/srv/reports '.state == "approved"'
check "and everybody can still use it" modes_are /srv/reports 777 777
check "ann's own stays" has file:/srv/drafts '.state == "active"'
check "and everybody can still use that" modes_are /srv/drafts 777 777
no_alert() { ! delivery "$1" "grant.$2" >/dev/null; }
check "no alert has named it an agent's" no_alert "$drafts" detected
check "every delivery was signed" is "$(find "$inbox" -name '*.refused' | wc -l)" 0
check "the record is unbroken" json '.ok == true' inside grantctl -o json verify


# What an admin asks afterwards.
row='.[] | select(.provenance == "agent-advised" and .agent == "forum-helper")'
check "the report has the exposure in minutes, and how long it was unapproved" json \
  "$row | .grants == 3 and .expired == 2 and .approved == 1 and
   .exposureMinutes >= $ttl / 30 and .exposureMinutesMin <= .exposureMinutes and
   .unapprovedMinutes >= $ttl / 60 and .unapprovedMinutes < .exposureMinutes" \
  inside grantctl -o json report
echo
inside grantctl report
echo
inside grantctl show "$payroll" |
  grep -E '^(Provenance|Agent|Actor|Command|Advice|Active|Ended):' | cut -c -110 || true
echo
finish
