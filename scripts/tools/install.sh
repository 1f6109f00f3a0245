# shellcheck shell=sh disable=SC2154 # its variables are those of ./mesh
# The slow part of the launcher, sourced by ./mesh with `node` or `dependencies` and the command line's arguments: gets
# Node into the tool cache, or the npm dependencies into node_modules. Ends the launcher when it cannot.

lock='' stage='' log='' work='' ticker='' offline=''

get_missing() {
  missing=$1
  shift
  for argument in "$@"; do
    [ "$argument" != --offline ] || offline=--offline
  done
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  "install_$missing"
  clean_up
}

install_node() {
  [ -n "${folder:-}" ] ||
    fail MESH_PREREQUISITE "Node $minimum or newer is needed${found:+; $node is $found}" \
      "install Node $major from https://nodejs.org (macOS: brew install node@$major), then run this again"
  make_folder "$folder"
  : >>"$folder/lock"
  take_lock "$folder/lock" "getting Node $wanted"
  if find_node; then return; fi
  if [ ! -x "$node" ] || ! has_right_checksum "$node"; then fetch_node; fi
  node_status >"$folder/record"
}

fetch_node() {
  [ -z "$offline" ] ||
    fail MESH_TOOL_OFFLINE "Node $wanted is not in the cache ($folder) and --offline forbids fetching it" \
      "run ./mesh once without --offline, or install Node $minimum or newer"
  need_npm "Node $minimum or newer${found:+ ($(command -v node) is $found)}"
  stage=$folder/stage.$$
  make_folder "$stage"
  with_progress node "getting Node $wanted" npm_install_node || fail_by_log "Node $wanted could not be fetched from npm"
  fetched=$stage/node_modules/node-$platform/bin/node
  has_right_checksum "$fetched" ||
    fail MESH_TOOL_FETCH "Node $wanted from npm does not have the checksum in versions.json" \
      "see which registry npm uses: npm config get registry"
  chmod 755 "$fetched"
  mv -f "$fetched" "$node"
}

# In a folder of its own and not by --prefix, which would hide the machine's npm configuration: its registry, its CAs.
npm_install_node() {
  cd -- "$stage" && echo '{}' >package.json && exec npm install --cache "$cache/npm" --prefer-offline \
    --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "node-$platform@$wanted"
}

has_right_checksum() {
  expected=${checksums#*"\"$platform\":"}
  [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "${expected%% *}" ]
}

install_dependencies() {
  need_npm "the dependencies of this repository"
  make_folder "$cache/npm"
  take_lock "$root/package-lock.json" "installing the dependencies"
  if has_dependencies; then return; fi
  [ -w "$root" ] ||
    fail MESH_STATE_INVALID "$root cannot be written by this user, and its dependencies are not installed" \
      "run ./mesh --version once as the owner of that folder, or clone the repository into one of your own"
  with_progress npm "installing the dependencies" npm_ci || fail_by_log "The npm dependencies could not be installed"
  printf '%s\n' "$dependencies" >"$marker"
}

npm_ci() {
  cd -- "$root" && exec npm ci --cache "$cache/npm" --prefer-offline ${offline:+"$offline"} --include=dev \
    --no-audit --no-fund --loglevel=error
}

need_npm() {
  command -v npm >/dev/null 2>&1 ||
    fail MESH_PREREQUISITE "npm was not found; it is needed to get $1" \
      "install Debian's package npm (apt-get install npm), or Node $major from https://nodejs.org, which brings npm"
}

# Other users' processes run what lies in root's cache, whatever root's umask is.
make_folder() {
  (umask 022 && mkdir -p "$1" && [ -w "$1" ]) 2>/dev/null ||
    fail MESH_TOOL_FETCH "The tool cache $1 cannot be written" "set MESH_CACHE to a folder that you can write"
}

# take_lock FILE WHAT: one launcher at a time. Where flock(1) exists the kernel lets go of the lock however its holder
# ends; npm inherits it, so an npm whose launcher was killed still keeps others out. Elsewhere a symbolic link names
# the holder's pid: it appears whole or not at all.
take_lock() {
  if command -v flock >/dev/null 2>&1; then
    exec 9<"$1"
    flock -n 9 && return
    say "· waiting for another ./mesh that is $2"
    flock 9 || :
    return
  fi
  link=$cache/lock.$(printf %s "$1" | cksum | tr -d ' ')
  said=
  until ln -s "$$" "$link" 2>/dev/null; do
    holder=$(readlink "$link") || continue
    if ! kill -0 "$holder" 2>/dev/null; then
      rm -f "$link"
      continue
    fi
    [ -n "$said" ] || say "· waiting for another ./mesh (pid $holder) that is $2"
    said=1
    sleep 1
  done
  lock=$link
}

# with_progress STAGE WHAT COMMAND...: runs the command, its output in a log, and says on standard error what it is and
# how long it has taken: in place on a terminal, elsewhere a line at first and every ten seconds.
with_progress() {
  label=$(printf '· %-10s %s' "$1" "$2")
  shift 2
  log=$cache/launcher.$$.log
  "$@" >"$log" 2>&1 </dev/null &
  work=$!
  tick 9<&- &
  ticker=$!
  status=0
  wait "$work" || status=$?
  work=
  stop_ticker
  return "$status"
}

tick() {
  elapsed=0
  while kill -0 $$ 2>/dev/null; do
    if [ -t 2 ]; then
      printf '\r%s %ds' "$label" "$elapsed" >&2
    elif [ "$elapsed" -eq 0 ]; then
      say "$label"
    elif [ $((elapsed % 10)) -eq 0 ]; then
      say "$label ${elapsed}s"
    fi
    sleep 1 >/dev/null 2>&1
    elapsed=$((elapsed + 1))
  done
}

stop_ticker() {
  [ -n "$ticker" ] || return 0
  # Not TERM: a shell that has just been forked may still have our trap for it, and go on.
  kill -KILL "$ticker" 2>/dev/null || :
  wait "$ticker" 2>/dev/null || :
  ticker=
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

clean_up() {
  trap - EXIT INT TERM HUP
  if [ -n "$work" ]; then
    # npm answers a milder signal by rolling back, for up to half a minute. There is nothing to roll back to: the next
    # run begins node_modules anew, from npm's cache.
    kill -KILL "$work" 2>/dev/null || :
    wait "$work" 2>/dev/null || :
  fi
  stop_ticker
  if [ -n "$log" ]; then rm -f "$log"; fi
  if [ -n "$stage" ]; then rm -rf "$stage"; fi
  if [ -n "$lock" ]; then rm -f "$lock"; fi
  exec 9<&-
  lock='' stage='' log='' work=''
}

say() {
  printf '%s\n' "$1" >&2
}

# fail CODE WHAT FIX, in the form of scripts/output/errors.ts; 2 is "could not".
fail() {
  say "error[$1]: $2"
  say "fix: $3"
  exit 2
}

fail_by_log() {
  if [ -n "$offline" ]; then
    code=MESH_TOOL_OFFLINE fix="run ./mesh once without --offline: it fills $cache/npm"
  elif grep -q -e ENOSPC -e 'No space left' "$log"; then
    code=MESH_DISK_FULL fix="make room where $root and $cache lie, then run this again"
  else
    code=MESH_TOOL_FETCH fix="see that npm reaches its registry (npm ping), then run this again: it goes on from $cache/npm"
  fi
  say "error[$code]: $1"
  tail -n 12 "$log" | sed 's/^/  /' >&2
  say "fix: $fix"
  exit 2
}

get_missing "$@"
