#!/bin/sh
# One streamed question with curl. Usage: curl.sh http://127.0.0.1:10000/v1 [MODEL]
set -eu
curl --silent --show-error --fail-with-body --no-buffer "$1/chat/completions" \
  --header 'Content-Type: application/json' \
  --data '{"model":"'"${2:-demo/echo}"'","stream":true,
           "messages":[{"role":"user","content":"Hello!"}]}'
