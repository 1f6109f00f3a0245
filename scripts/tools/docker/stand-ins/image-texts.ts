// The text files in the stand-ins. The entrypoints do what the official images' do, in words of their own.

import type { Owner } from "./tar.ts";

/** Envoy's: an argument that is an option is Envoy's; root becomes the user envoy (or ENVOY_UID), unless that is 0. */
export const envoyEntrypoint = `#!/usr/bin/env sh
# Stand-in for the official entrypoint.
set -e
case $1 in
-*) set -- envoy "$@" ;;
esac
if [ "$1" = envoy ] && [ -n "$loglevel" ]; then set -- "$@" --log-level "$loglevel"; fi
if [ "$(id -u)" = 0 ] && [ "$ENVOY_UID" != 0 ]; then
  uid=\${ENVOY_UID:-101} gid=\${ENVOY_GID:-101}
  # The user must be able to write the container's log.
  chown "$uid:$gid" /dev/stdout /dev/stderr
  # The official image has su-exec for this.
  exec setpriv --reuid "$uid" --regid "$gid" --clear-groups -- "$@"
fi
exec "$@"
`;

/** Node's: what is no program, an option or a script, is Node's. */
export const nodeEntrypoint = `#!/bin/sh
# Stand-in for the official entrypoint.
set -e
is_program() {
  case $1 in
  -*) return 1 ;;
  esac
  [ -n "$(command -v "$1")" ] || return 1
  [ ! -f "$1" ] || [ -x "$1" ]
}
is_program "$1" || set -- node "$@"
exec "$@"
`;

/** /etc/passwd and /etc/group with root, nobody and these users, each with a group of its own. */
export function passwd(users: readonly (Owner & { readonly name: string })[]): {
  readonly passwd: string;
  readonly group: string;
} {
  const own = users.map(({ name, uid, gid }) => `${name}:x:${uid}:${gid}::/home/${name}:/bin/sh\n`).join("");
  const groups = users.map(({ name, gid }) => `${name}:x:${gid}:\n`).join("");
  return {
    passwd: `root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n${own}`,
    group: `root:x:0:\nnogroup:x:65534:\n${groups}`,
  };
}
