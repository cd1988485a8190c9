#!/bin/sh
# An agent in POSIX shell with curl: context -> count -> result -> event -> one wait. No jq.
#
# The sidecar starts it with AGENT_ID, AGENT_TYPE, ISSUE_ID, PROJECT_ID, SIDECAR_URL (ends in /api), JWT_TOKEN,
# CONTEXT_FILE and TASK. It serves any agent type that may publish. Progress goes to standard output; a failure is
# one sentence on standard error and exit code 1. It writes to a temporary folder and nowhere else.
set -eu

fail () {
  echo "${AGENT_TYPE:-agent}: $*" >&2
  exit 1
}

say () {
  echo "$AGENT_TYPE: $*"
}

for name in AGENT_ID AGENT_TYPE ISSUE_ID SIDECAR_URL JWT_TOKEN; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || fail "The environment lacks $name; the sidecar sets it when it starts an agent"
done
command -v curl > /dev/null || fail 'This agent needs curl'

api=${SIDECAR_URL%/}
token=$JWT_TOKEN
correlation=${CORRELATION_ID:-issue-$ISSUE_ID}
seconds=${CCO_DEMO_WAIT_SECONDS:-30}
[ "$seconds" -le 120 ] || seconds=120 # the longest that the server holds one wait
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

# call METHOD PATH [curl options]: the answer's body goes to $folder/answer.
# curl itself tries 429, 503 and a refused connection again, and keeps to `retry-after`.
call () {
  method=$1
  path=$2
  shift 2
  # The token comes by standard input: other users can read the arguments of a process.
  status=$(printf 'header = "authorization: Bearer %s"\n' "$token" |
    curl --silent --show-error ${SIDECAR_CA:+--cacert "$SIDECAR_CA"} --config - --request "$method" --connect-timeout 10 --max-time 60 \
      --retry 5 --retry-connrefused --retry-max-time 60 \
      --dump-header "$folder/headers" --output "$folder/answer" --write-out '%{http_code}' "$@" "$api$path" 2> "$folder/error") ||
    fail "$method $path failed: $(tail -n 1 "$folder/error")"
  case $status in
    2??) ;;
    *) fail "$method $path answered $status: $(sed -n 's/.*"message" *: *"\([^"]*\)".*/\1/p' "$folder/answer")" ;;
  esac
  # Sent near the end of a token's life: an agent that takes it never expires.
  refreshed=$(tr -d '\r' < "$folder/headers" | sed -n 's/^[Xx]-[Rr]efreshed-[Tt]oken: *//p' | tail -n 1)
  token=${refreshed:-$token}
}

# The first member of that name with a text, or a number, in the answer. Enough for flat answers, no parser.
# In file contents quotes are escaped, so text that looks like a member is not taken for one.
member () {
  tr ',{}' '\n\n\n' < "$folder/answer" | sed -n "s/^[[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"\{0,1\}\([^\"]*\)\"\{0,1\}.*/\1/p" | sed -n 1p
}

post () {
  printf '%s' "$2" > "$folder/body"
  call POST "$1" --header 'content-type: application/json' --data-binary "@$folder/body"
}

if [ -n "${TASK:-}" ]; then
  printf '%s' "$TASK" | cut -c 1-1000 | tr '\n' ' ' > "$folder/task"
  call GET "/context/$ISSUE_ID/$AGENT_TYPE" --get --data-urlencode "task@$folder/task"
else
  call GET "/context/$ISSUE_ID/$AGENT_TYPE"
fi
# Each relevant file has one member `truncation`, and nothing else in a context does.
files=$(tr ',{}' '\n\n\n' < "$folder/answer" | grep -c '^[[:space:]]*"truncation"[[:space:]]*:' || true)
total=$(member total_files)
total=${total:-$files}
say "the context holds $files of $total files"

warnings=
[ "$files" -ge "$total" ] || warnings="\"The context held $files of $total files; only those were counted\""
post /results "{
  \"agent_id\": \"$AGENT_ID\", \"agent_type\": \"$AGENT_TYPE\", \"issue_id\": \"$ISSUE_ID\",
  \"correlation_id\": \"$correlation\", \"round\": 1,
  \"result\": {
    \"status\": \"success\", \"files_created\": [], \"files_modified\": [],
    \"decisions\": [\"$files of the $total files of the project are relevant to this agent.\"],
    \"metrics\": { \"relevant_files\": $files, \"total_files\": $total },
    \"warnings\": [$warnings]
  }
}"
result=$(member id)
say "stored $result"

post /events/files_counted "{
  \"topic\": \"coordination\", \"correlation_id\": \"$correlation\", \"round\": 1,
  \"data\": { \"issue_id\": \"$ISSUE_ID\", \"agent_type\": \"$AGENT_TYPE\", \"result_id\": \"$result\", \"relevant_files\": $files }
}"
event=$(member event_id)
say "published files_counted as $event"

# Counting from the own event, nothing that happens from now on is missed. That nothing happens is no failure.
call GET "/events/wait/${WAIT_FOR:-*}" --get --max-time $((seconds + 30)) --data-urlencode "filter=issue_id:$ISSUE_ID" \
  --data "since=$event" --data "timeout=$((seconds * 1000))" --data 'limit=1'
next=$(member event_type)
if [ -n "$next" ]; then
  say "then came $next of $(member publisher_type)"
else
  say "nothing came within $seconds s"
fi
