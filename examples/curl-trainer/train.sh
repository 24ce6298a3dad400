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
post "validation/jobs/$JOB_ID/results" "{\"epoch\": $EPOCHS, \"metrics\": {\"accuracy\": $accuracy}}"
post "training/jobs/$JOB_ID/callback/completion" "{\"status\": \"completed\", \"final_metrics\": {\"accuracy\": $accuracy}}"
