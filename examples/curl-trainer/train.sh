#!/bin/sh
# A trainer in sh, curl and awk: softmax regression on small PNGs (learn.awk).
set -eu
# The manifest's second model is the same trainer in Python.
[ "$MODEL_NAME" = curl ] || exec python3 train.py

# The platform can renew the token in the file while this script runs.
token() { if [ -n "${CALLBACK_TOKEN_FILE:-}" ]; then cat "$CALLBACK_TOKEN_FILE"; else echo "$CALLBACK_TOKEN"; fi; }
api=${CALLBACK_URL%/v1/jobs/*}
send() { # URL JSON: prints the answer; a failure ends this script
  curl --fail-with-body --silent --show-error --retry 8 --retry-all-errors --max-time 30 \
    --header "Authorization: Bearer $(token)" --header 'Content-Type: application/json' --data "$2" "$1"
}
post() { send "$api/api/v1/$1" "$2"; }
upload() { # FILE: uploads a checkpoint and prints the id of its artifact
  sum=$(sha256sum "$1")
  file="{\"kind\": \"checkpoint\", \"name\": \"${1##*/}\", \"sizeBytes\": $(wc -c <"$1"), \"sha256\": \"${sum%% *}\"}"
  answer=$(send "$CALLBACK_URL/artifacts" "$file")
  id=$(echo "$answer" | sed 's/.*"id":"\([^"]*\)".*/\1/')
  # The signed URL, and the headers that were signed with it. Without one, the platform has these bytes already.
  url=$(echo "$answer" | sed -n 's/.*"url":"\([^"]*\)".*/\1/p')
  if [ -n "$url" ]; then
    echo "$answer" | sed 's/.*"headers":{\([^}]*\)}.*/\1/; s/","/"\
"/g' | sed -n 's/^"\([^"]*\)":"\([^"]*\)"$/header = "\1: \2"/p' >"$WORK_DIR/headers"
    curl --fail-with-body --silent --show-error --retry 8 --retry-all-errors --config "$WORK_DIR/headers" --upload-file "$1" "$url" >/dev/null
    send "$CALLBACK_URL/artifacts/$id/complete" '{}' >/dev/null
  fi
  echo "$id"
}
fail() { # TYPE MESSAGE
  post "training/jobs/$JOB_ID/callback/completion" "{\"status\": \"failed\", \"error\": \"[$1] $2\"}" >/dev/null
  exit 3
}
# The platform puts the dataset into its cache, as folders {split}/{class}/*.png.
fetch_dataset() {
  [ "${DATASET_CACHE_FILLED_BY:-}" = platform ] || fail ConfigError 'this trainer needs the dataset cache of the platform'
  while :; do
    answer=$(send "$CALLBACK_URL/dataset/cache" '{"as": "imagefolder"}')
    case $answer in
    *'"state":"ready"'*) echo "$DATASET_CACHE_DIR/$(echo "$answer" | sed 's/.*"folder":"\([^"]*\)".*/\1/')"; return ;;
    *'"state":"failed"'*) fail DatasetError "$(echo "$answer" | sed 's/.*"message":"\([^"\\]*\).*/\1/')" ;;
    esac
    sleep 1
  done
}
# Prints 'split TAB class TAB numbers' for each image: 1, the averages of 16 parts of its bytes, and those of every third byte. The bytes
# are the rows as the PNG stores them: gzip unpacks them, and complains that the check sum at the end is missing.
read_images() {
  find . -type f -name '*.png' | LC_ALL=C sort | while IFS= read -r file; do
    at=$(LC_ALL=C grep -abo IDAT "$file" | head -n 1)
    { printf '\037\213\010\0\0\0\0\0\0\003'; tail -c "+$((${at%%:*} + 7))" "$file"; } | gzip -dc 2>/dev/null | od -An -v -tu1 |
      awk -v path="$file" '{ for (i = 1; i <= NF; i++) bytes[all++] = $i / 255 } END {
        for (i = 0; i < all; i++) { part = int(i * 16 / all); parts[part] += bytes[i]; sizes[part]++; thirds[i % 3] += bytes[i] * 3 / all }
        split(path, name, "/"); printf "%s\t%s\t1", name[2], name[3]
        for (i = 0; i < 16; i++) printf " %.6f", parts[i] / (sizes[i] ? sizes[i] : 1)
        for (i = 0; i < 3; i++) printf " %.6f", thirds[i]
        print "" }'
  done
}
trap 'post "training/jobs/$JOB_ID/callback/completion" "{\"status\": \"cancelled\"}"; exit 143' TERM

post "training/jobs/$JOB_ID/callback/log" '{"level": "info", "message": "hello from curl"}'
dataset=$(fetch_dataset)
(cd "$dataset" && read_images) >"$WORK_DIR/images"
grep -q '^train' "$WORK_DIR/images" || fail DatasetError 'the dataset has no PNG in its split train'
epoch=1
while [ "$epoch" -le "$EPOCHS" ]; do
  result=$(awk -v MODEL="$WORK_DIR/last.tsv" -v RATE="$LEARNING_RATE" -f learn.awk "$WORK_DIR/images")
  accuracy=${result#* }
  answer=$(post "training/jobs/$JOB_ID/callback/progress" \
    "{\"epoch\": $epoch, \"total_epochs\": $EPOCHS, \"metrics\": {\"loss\": ${result% *}, \"accuracy\": $accuracy}}")
  case $answer in *'"should_continue":false'*) kill -TERM $$ ;; esac
  epoch=$((epoch + 1))
done
id=$(upload "$WORK_DIR/last.tsv")
post "training/jobs/$JOB_ID/callback/checkpoint" "{\"artifact_id\": \"$id\", \"name\": \"last\", \"epoch\": $EPOCHS, \"metrics\": {\"accuracy\": $accuracy}}"
post "validation/jobs/$JOB_ID/results" "{\"epoch\": $EPOCHS, \"metrics\": {\"accuracy\": $accuracy}}"
post "training/jobs/$JOB_ID/callback/completion" "{\"status\": \"completed\", \"final_metrics\": {\"accuracy\": $accuracy}}"
