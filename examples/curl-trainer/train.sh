#!/bin/sh
# A trainer in sh and curl. It only pretends to train, but reports as a real trainer does.
set -eu
# The manifest's second model is the same trainer in Python.
[ "$MODEL_NAME" = curl ] || exec python3 train.py

# The platform can renew the token in the file while this script runs.
token() { if [ -n "${CALLBACK_TOKEN_FILE:-}" ]; then cat "$CALLBACK_TOKEN_FILE"; else echo "$CALLBACK_TOKEN"; fi; }
api=${CALLBACK_URL%/v1/jobs/*}
post() { # PATH JSON: prints the answer; a failure ends this script
  curl --fail-with-body --silent --show-error --retry 8 --retry-all-errors --max-time 30 \
    --header "Authorization: Bearer $(token)" --data "$2" "$api/api/v1/$1"
}
upload() { # FILE: uploads a checkpoint and prints the id of its artifact
  sum=$(sha256sum "$1")
  file="{\"kind\": \"checkpoint\", \"name\": \"${1##*/}\", \"sizeBytes\": $(wc -c <"$1"), \"sha256\": \"${sum%% *}\"}"
  answer=$(curl --fail-with-body --silent --show-error --retry 8 --retry-all-errors --max-time 30 --header "Authorization: Bearer $(token)" \
    --header 'Content-Type: application/json' --data "$file" "$CALLBACK_URL/artifacts")
  id=$(echo "$answer" | sed 's/.*"id":"\([^"]*\)".*/\1/')
  # The signed URL, and the headers that were signed with it. Without one, the platform has these bytes already.
  url=$(echo "$answer" | sed -n 's/.*"url":"\([^"]*\)".*/\1/p')
  if [ -n "$url" ]; then
    echo "$answer" | sed 's/.*"headers":{\([^}]*\)}.*/\1/; s/","/"\
"/g' | sed -n 's/^"\([^"]*\)":"\([^"]*\)"$/header = "\1: \2"/p' >"$WORK_DIR/headers"
    curl --fail-with-body --silent --show-error --retry 8 --retry-all-errors --config "$WORK_DIR/headers" --upload-file "$1" "$url" >/dev/null
    curl --fail-with-body --silent --show-error --retry 8 --retry-all-errors --header "Authorization: Bearer $(token)" \
      --header 'Content-Type: application/json' --data '{}' "$CALLBACK_URL/artifacts/$id/complete" >/dev/null
  fi
  echo "$id"
}
trap 'post "training/jobs/$JOB_ID/callback/completion" "{\"status\": \"cancelled\"}"; exit 143' TERM

post "training/jobs/$JOB_ID/callback/log" '{"level": "info", "message": "hello from curl"}'
epoch=1
while [ "$epoch" -le "$EPOCHS" ]; do
  sleep 0.1 # the training
  accuracy=0.$((50 + epoch))
  answer=$(post "training/jobs/$JOB_ID/callback/progress" \
    "{\"epoch\": $epoch, \"total_epochs\": $EPOCHS, \"metrics\": {\"accuracy\": \"$accuracy\"}}")
  case $answer in *'"should_continue":false'*) kill -TERM $$ ;; esac
  epoch=$((epoch + 1))
done
echo "weights of epoch $EPOCHS" >"$WORK_DIR/last.bin"
id=$(upload "$WORK_DIR/last.bin")
post "training/jobs/$JOB_ID/callback/checkpoint" "{\"artifact_id\": \"$id\", \"name\": \"last\", \"epoch\": $EPOCHS, \"metrics\": {\"accuracy\": $accuracy}}"
post "validation/jobs/$JOB_ID/results" "{\"epoch\": $EPOCHS, \"metrics\": {\"accuracy\": $accuracy}}"
post "training/jobs/$JOB_ID/callback/completion" "{\"status\": \"completed\", \"final_metrics\": {\"accuracy\": $accuracy}}"
