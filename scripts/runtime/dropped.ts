// A log that grows faster than it can be kept loses its beginning. What takes its place is a line that says so: people
// see it, and a follower knows by it where in the kept part it was.

const form = /^\[(\d{1,16}) bytes before this line were dropped: the log grew too fast\]$/;
/** No such line is longer. */
const longest = 100;

export function droppedLine(bytes: number): string {
  return `[${bytes} bytes before this line were dropped: the log grew too fast]`;
}

export interface Dropped {
  readonly bytes: number;
  /** Of the line that says so, with its end. */
  readonly lineLength: number;
}

/** What the first line of a log says was dropped before it. */
export function droppedBefore(start: Buffer): Dropped {
  const end = start.subarray(0, longest).indexOf("\n");
  const match = end < 0 ? null : form.exec(start.toString("latin1", 0, end));
  return match === null ? { bytes: 0, lineLength: 0 } : { bytes: Number(match[1]), lineLength: end + 1 };
}
