#!/bin/sh
# nginx in a folder of its own, and SIGTERM as its SIGQUIT: on SIGTERM itself nginx drops what is under way.
[ "$LISTEN" = 127.0.0.1:18772 ] || { echo "quotes: LISTEN is '$LISTEN'; nginx.conf says 127.0.0.1:18772" >&2; exit 78; }
folder=$(mktemp -d) || exit 69
trap 'rm -rf "$folder"' EXIT
cp quotes.json "$folder"
nginx -p "$folder" -e stderr -c "$PWD/nginx.conf" &
trap 'kill -QUIT $!' TERM INT
# A wait ends with the signal, the next one with nginx.
wait $!; wait $!
