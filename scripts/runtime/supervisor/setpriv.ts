// The command line that gives a process its user and takes everything else away (setpriv(1), util-linux ≥ 2.33). Pure.

import type { User } from "../../plan/plan.ts";

/** At least one word: the program. */
export type CommandLine = readonly [string, ...string[]];

export interface Privileges {
  /** Absolute path of setpriv. */
  readonly setpriv: string;
  /** undefined: whoever runs the supervisor. */
  readonly user: User | undefined;
}

/**
 * Runs `command` with no way to gain privileges, ended by the kernel when its parent ends (prctl(2)
 * PR_SET_PDEATHSIG). With a user: as that user and groups, without any capability, now or later.
 */
export function setprivCommand({ setpriv, user }: Privileges, command: readonly string[]): CommandLine {
  return [
    setpriv,
    ...(user === undefined ? [] : userOptions(user)),
    "--no-new-privs",
    // The kernel forgets the signal when the user changes; setpriv asks for it after that. Until it has asked, a few
    // milliseconds, a killed supervisor does not take the process with it: then the next command does (sweep.ts).
    "--pdeathsig=KILL",
    "--",
    ...command,
  ];
}

function userOptions({ uid, gid, groups }: User): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
    "--inh-caps=-all",
    "--bounding-set=-all",
  ];
}
